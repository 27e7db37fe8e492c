// The topology of a model as Keras, tf.keras and TensorFlow.js write it, as one form. Enters: untrusted JSON. Leaves: models of
// layers, with the calls of each. Nothing is made of them yet.
//
// A Sequential is a chain; a Model or Functional names, at each layer, the values of each of its calls (`inbound_nodes`):
//   arrays         [[["name", call, output, { options }], ...], ...]
//   keras_history  [{ args: [{ class_name: "__keras_tensor__", config: { keras_history: ["name", call, output] } }], kwargs }]
import { check, fail, isRecord, NATURAL, show } from '../../numerics/errors.ts'
import type { Structure } from '../../rows/rows.ts'
import type { Operand } from './operators.ts'
import { type Config, own } from './row.ts'

/** A value: an output of a call of a layer. */
export interface Ref {
  readonly layer: string
  readonly call: number
  readonly output: number
  /** Which models count the call that made them as their first one: none in keras_history, all in arrays. */
  readonly counted: 'none' | 'functional' | 'all'
}

export interface Call {
  readonly inputs: readonly Ref[]
  /** Keyword arguments, values apart. */
  readonly options: Config
  /** Masks that Keras 3 has handed on: values of operations. */
  readonly masks: readonly Ref[]
  /** What an operation is called on, in its order. */
  readonly operands?: readonly Operand[]
}

export interface Entry {
  readonly className: string
  readonly name: string
  readonly config: Config
  readonly calls: readonly Call[]
  /** The model that it is. */
  readonly model: Plan | null
}

/** Values in the form they are given in. */
export interface Refs {
  readonly structure: Structure
  readonly list: readonly (readonly [key: string, ref: Ref])[]
}

export interface Plan {
  readonly name: string
  readonly entries: ReadonlyMap<string, Entry>
  readonly inputs: Refs
  readonly outputs: Refs
}

const record = (value: unknown, what: string): Config => {
  check(isRecord(value), what, 'an object', value)
  return value
}

const list = (value: unknown, what: string): readonly unknown[] => {
  check(Array.isArray(value), what, 'a list', value)
  return value
}

const isRef = (value: unknown): value is [string, number, number] =>
  Array.isArray(value) &&
  typeof value[0] === 'string' &&
  value.length >= 3 &&
  value.slice(1, 3).every((n) => NATURAL.holds(Number(n)))

const refOf = (
  [layer, call, output]: readonly [string, number, number],
  counted: Ref['counted'] = 'all',
): Ref => ({ layer, call: Number(call), output: Number(output), counted })

/** The values in what a call is given, in their order: those of keras_history, or lists [name, call, output, ...]. */
function refsIn(value: unknown): Ref[] {
  if (isRef(value)) return [refOf(value)]
  if (Array.isArray(value)) return value.flatMap(refsIn)
  if (!isRecord(value)) return []
  const config = own(value, 'config')
  const history = isRecord(config) ? own(config, 'keras_history') : undefined
  return isRef(history) ? [refOf(history, 'none')] : []
}

/** Keyword arguments that are values, in the order in which our layers take them. */
const VALUES = ['query', 'inputs', 'sequence', 'sequences', 'value', 'key', 'initial_state']

function callOf(node: unknown, what: string): Call {
  const isHistory = isRecord(node)
  const args = isHistory ? list(own(node, 'args') ?? [], `${what}: args`) : list(node, what)
  const kwargs: [string, unknown][] = []
  const given = isHistory
    ? [own(node, 'kwargs')]
    : args.map((arg) => (Array.isArray(arg) ? arg[3] : undefined))
  for (const one of given) if (isRecord(one)) kwargs.push(...Object.entries(one))
  const named = VALUES.flatMap((key) =>
    kwargs.filter(([own]) => own === key).flatMap(([, value]) => refsIn(value)),
  )
  const inputs = isHistory
    ? refsIn(args)
    : args.map((arg) => (isRef(arg) ? refOf(arg) : fail(`${what}: ${show(arg)} isn't a value`)))
  const plain = isHistory ? args.filter((arg) => refsIn(arg).length === 0) : []
  const isMask = (key: string) => /^((query|value|key)_)?mask$/.test(key)
  const options = kwargs.filter(
    ([key, value]) => !((VALUES.includes(key) || isMask(key)) && refsIn(value).length > 0),
  )
  if (plain.length > 0) options.push(['args', plain])
  const masks = kwargs.flatMap(([key, value]) => (isMask(key) ? refsIn(value) : []))
  return { inputs: [...inputs, ...named], options: Object.fromEntries(options), masks }
}

/** Names of operands that come by name; what has another name is an option. */
const OPERANDS = ['x', 'x1', 'a', 'values', 'y', 'x2', 'b']

/**
 * A call of an operation: of Keras 3 as those of layers; of Keras 2 (TFOpLambda) a value or a list of values, ["name", call, output,
 * { options }], where ["_CONSTANT_VALUE", -1, value, { options }] is a constant.
 */
function operationOf(node: unknown, what: string): Call {
  const inputs: Ref[] = []
  const operands: Operand[] = []
  const options: Record<string, unknown> = {}
  const take = (value: unknown) => {
    const refs = refsIn(value)
    if (refs.length === 0) operands.push({ value })
    for (const ref of refs) operands.push({ input: inputs.push(ref) - 1 })
  }
  const takeNamed = (given: unknown) => {
    if (!isRecord(given)) return
    for (const [key, value] of Object.entries(given))
      if (value === null || key === 'name') continue
      else if (OPERANDS.includes(key)) take(value)
      else options[key] = value
  }
  if (isRecord(node)) {
    for (const arg of list(own(node, 'args') ?? [], `${what}: args`)) take(arg)
    takeNamed(own(node, 'kwargs'))
  } else {
    const given = list(node, what)
    const values = typeof given[0] === 'string' ? [given] : given.map((one) => list(one, what))
    for (const value of values) {
      if (value[0] === '_CONSTANT_VALUE') operands.push({ value: value[2] })
      else take(value)
    }
    takeNamed(values[0]?.[3])
  }
  return { inputs, options, masks: [], operands }
}

/** Inputs or outputs of a model. */
function refsOf(value: unknown, counted: Ref['counted'], what: string): Refs {
  if (isRef(value)) return { structure: 'single', list: [['', refOf(value, counted)]] }
  const entries = isRecord(value) ? Object.entries(value) : list(value, what).map((one) => ['', one] as const)
  const refs = entries.map(([key, one]): [string, Ref] => [
    key,
    isRef(one) ? refOf(one, counted) : fail(`${what}: ${show(one)} isn't a value`),
  ])
  check(refs.length > 0, what, 'one value at least', value)
  return { structure: isRecord(value) ? 'record' : refs.length === 1 ? 'single' : 'list', list: refs }
}

const MODELS = ['Sequential', 'Model', 'Functional']

/** Whether an entry is a model. Operations of Keras 3 have names like those of layers. */
const isModel = (className: string, config: Config): boolean =>
  MODELS.includes(className) && Array.isArray(own(config, 'layers'))

const OPERATION = /^(ops|tf)\./

/** The name of a class: operations (`x + y`) aren't the layers of the same name; those of Keras 2 are named by their function. */
function classOf(entry: Config): string {
  const name = own(entry, 'class_name')
  check(typeof name === 'string', 'class_name', 'a string', name)
  const config = own(entry, 'config')
  if (name === 'TFOpLambda' && isRecord(config)) return `tf.${String(own(config, 'function'))}`
  return /^keras\.(src\.)?ops\b/.test(String(own(entry, 'module'))) ? `ops.${name}` : name
}

function entryOf(
  given: unknown,
  what: string,
  calls: (entry: Config, name: string) => readonly Call[],
): Entry {
  const entry = record(given, what)
  const className = classOf(entry)
  const plain = own(entry, 'config')
  // the oldest files of Keras have a Sequential's layers for its config
  const config = Array.isArray(plain) ? { layers: plain } : record(plain ?? {}, `config of ${className}`)
  const name = own(entry, 'name') ?? own(config, 'name') ?? className
  check(typeof name === 'string', `name of a ${className}`, 'a string', name)
  const model = isModel(className, config) ? planOf(className, config) : null
  return { className, name, config, calls: calls(entry, name), model }
}

/** The name that the input of a Sequential has among its layers, where it has no InputLayer. */
export const CHAIN_INPUT = ' input'

function chainOf(name: string, config: Config): Plan {
  const layers = list(own(config, 'layers'), `layers of ${name}`)
  const entries = new Map<string, Entry>()
  let last: Ref | null = null
  for (const given of layers) {
    const calls: Call[] = last ? [{ inputs: [last], options: {}, masks: [] }] : []
    let entry = entryOf(given, `a layer of ${name}`, () => calls)
    if (!last && entry.className !== 'InputLayer') {
      const shape = shapeIn(entry) ?? own(config, 'build_input_shape')
      const dtype = own(entry.config, 'dtype')
      const first: Ref = { layer: CHAIN_INPUT, call: 0, output: 0, counted: 'none' }
      const input = {
        className: 'InputLayer',
        name: CHAIN_INPUT,
        config: { batch_shape: shape, dtype },
        calls: [],
        model: null,
      }
      entries.set(CHAIN_INPUT, input)
      entry = { ...entry, calls: [{ inputs: [first], options: {}, masks: [] }] }
    }
    if (entries.has(entry.name)) fail(`two layers of ${name} are named ${show(entry.name)}`)
    entries.set(entry.name, entry)
    last = { layer: entry.name, call: 0, output: 0, counted: 'none' }
  }
  if (!last || entries.size < 2) fail(`model ${show(name)} has no layers`)
  const single = (ref: Ref): Refs => ({ structure: 'single', list: [['', ref]] })
  const [input] = entries.keys()
  return {
    name,
    entries,
    inputs: single({ layer: input, call: 0, output: 0, counted: 'none' }),
    outputs: single(last),
  }
}

/** The shape of a layer's input, batch first, where its config tells it. */
export function shapeIn({ config, model }: Entry): unknown {
  const shape = own(config, 'batch_input_shape') ?? own(config, 'batch_shape')
  if (shape || !model) return shape
  const [[, ref]] = model.inputs.list
  const first = model.entries.get(ref.layer)
  return first && shapeIn(first)
}

/** Operations by which Keras 3 computes the masks of Embedding and Masking. */
const MASK_OPERATION = /^(ops\.)?(NotEqual|Any)$/

/**
 * The entries without the operations that make masks, which our layers hand on by themselves. @throws LanegradError for masks of
 * other makers
 */
function withoutMasks(entries: ReadonlyMap<string, Entry>, name: string): ReadonlyMap<string, Entry> {
  const masked = new Set<string>()
  for (const { className, config, calls } of entries.values()) {
    const isMaker =
      className === 'Masking' || (className === 'Embedding' && own(config, 'mask_zero') === true)
    if (isMaker) for (const { inputs } of calls) for (const { layer } of inputs) masked.add(layer)
  }
  const dropped = new Set<string>()
  const stack = [...entries.values()].flatMap(({ calls }) => calls.flatMap(({ masks }) => masks))
  for (let ref = stack.pop(); ref; ref = stack.pop()) {
    const { className = '', calls = [] } = entries.get(ref.layer) ?? {}
    const sources = calls.flatMap(({ inputs }) => inputs)
    const isOwn = (source: Ref) =>
      masked.has(source.layer) || MASK_OPERATION.test(entries.get(source.layer)?.className ?? '')
    if (!MASK_OPERATION.test(className) || !sources.every(isOwn))
      fail(
        `a layer of ${name} is called with a mask of ${ref.layer}: only those of Embedding and Masking can be read`,
      )
    if (dropped.has(ref.layer)) continue
    dropped.add(ref.layer)
    stack.push(...sources.filter(({ layer }) => !masked.has(layer)))
  }
  return new Map([...entries].filter(([own]) => !dropped.has(own)))
}

function graphOf(name: string, config: Config): Plan {
  const entries = new Map<string, Entry>()
  let counted: Ref['counted'] = 'all'
  for (const given of list(own(config, 'layers'), `layers of ${name}`)) {
    const entry = entryOf(given, `a layer of ${name}`, (own_, layer) =>
      list(own(own_, 'inbound_nodes') ?? [], `inbound_nodes of ${layer}`).map((node) => {
        if (isRecord(node)) counted = 'functional'
        const read = OPERATION.test(classOf(own_)) ? operationOf : callOf
        return read(node, `inbound_nodes of ${layer}`)
      }),
    )
    if (entries.has(entry.name)) fail(`two layers of ${name} are named ${show(entry.name)}`)
    entries.set(entry.name, entry)
  }
  return {
    name,
    entries: withoutMasks(entries, name),
    inputs: refsOf(own(config, 'input_layers'), counted, `input_layers of ${name}`),
    outputs: refsOf(own(config, 'output_layers'), counted, `output_layers of ${name}`),
  }
}

function planOf(className: string, config: Config): Plan {
  const name = String(own(config, 'name') ?? className.toLowerCase())
  return className === 'Sequential' ? chainOf(name, config) : graphOf(name, config)
}

/** The model of a topology: { class_name, config }, or { model_config } that holds it. @throws LanegradError */
export function readPlan(topology: unknown): Plan {
  const given = record(topology, 'model topology')
  const inner = own(given, 'model_config')
  const entry = entryOf(
    typeof inner === 'object' && inner !== null ? inner : given,
    'model topology',
    () => [],
  )
  if (!entry.model)
    fail(`the file holds a ${entry.className}; only Sequential and Functional models can be read`)
  return entry.model
}
