// Our models become Keras's. Enters: a model. Leaves: the topology { class_name, config } of a Functional model, and its weights in
// the order of the layers, or one LanegradError that names all that the dialect doesn't have. Models within the model are models
// there (scopes.ts).
//
// Each layer that is written is read again, and must come back with the options it had: what a dialect can't express is refused
// by the option's name.
import type { Symbolic } from '../../layers/layer.ts'
import type { NestedLayer } from '../../layers/nested.ts'
import { checkModel, type Model } from '../../model/model.ts'
import type { NetworkLayer, Values } from '../../network/network.ts'
import { fail, show } from '../../numerics/errors.ts'
import type { RowShape } from '../../numerics/shape.ts'
import type { NamedArray } from '../../numerics/tensor.ts'
import { rowOfLayer, slotsOfLayer } from './classes.ts'
import { unitsByDepth } from './depth-order.ts'
import { pathName } from './names.ts'
import type { WeightPlace } from './read.ts'
import { type Findings, layerOf, placeOf } from './read-layer.ts'
import { type Config, type Dialect, type Row, type WritePlace, writeFields } from './row.ts'
import { isScope, layersIn, type Scope, type ScopeCall, scopeOf } from './scopes.ts'

/** A weight of a written model: what names it in some format, and its numbers. */
export interface WrittenWeight {
  /** Our name and shape. */
  readonly name: string
  readonly shape: readonly number[]
  readonly place: WeightPlace
  readonly array: NamedArray
}

interface WrittenLayer {
  readonly row: Row
  readonly config: Config
}

export interface Written {
  readonly topology: { readonly class_name: string; readonly config: Config }
  readonly weights: readonly WrittenWeight[]
}

/** The modules of Keras 3 whose classes aren't among its layers. */
const MODULES: Readonly<Record<string, string>> = {
  Functional: 'keras.src.models.functional',
  Sequential: 'keras',
}

const entryOf = (dialect: Dialect, className: string, config: Config): Config => ({
  ...(dialect === 'keras3' && {
    module: MODULES[className] ?? 'keras.layers',
  }),
  class_name: className,
  config,
  ...(dialect === 'keras3' && { registered_name: null }),
})

/** Options that only initial weights depend on: they may come back in another form. */
const isInitial = (key: string): boolean => /Initializer$|^unitForgetBias$/.test(key)

/** What a config says of a computation, as text. */
const essence = (config: object): string =>
  JSON.stringify(config, (key, value: unknown) => (isInitial(key) ? undefined : value))

/** The options of two configs that differ. */
function differing(a: Config, b: Config, isSame: (option: string) => boolean): string[] {
  return Object.keys(a)
    .filter(
      (key) => !isInitial(key) && essence({ value: a[key] }) !== essence({ value: b[key] }) && !isSame(key),
    )
    .map((key) => `${key} ${show(a[key])}`)
}

/** The model in a dialect; `what`: the function that messages name. @throws LanegradError naming all that the dialect lacks */
export function writeTopology<V extends Values = Symbolic>(
  given: Model<V>,
  { what, dialect, maker }: { readonly what: string; readonly dialect: Dialect; readonly maker: string },
): Written {
  const { session } = checkModel(`${what}: model`, given)
  const { network, outline } = session
  const problems = new Set<string>()
  const written = new Map<NetworkLayer, WrittenLayer>()
  const shapeOf = (value: string): RowShape =>
    network.inputs.find(({ name }) => name === value)?.shape ?? outline.shapes.get(value) ?? []
  const kindsLacking = new Map<string, string[]>()
  /** Layers that keep states need it in the file. */
  const batch = session.feeds.rows ?? null

  /** The entry of a layer; undefined: the dialect has no such layer. */
  function writeLayer(
    layer: Pick<NetworkLayer, 'kind' | 'config'>,
    name: string,
    shapes: readonly RowShape[],
  ): WrittenLayer | undefined {
    const { kind } = layer
    const row = rowOfLayer(layer, dialect)
    if (!row) {
      kindsLacking.set(kind.kind, [...(kindsLacking.get(kind.kind) ?? []), name])
      return undefined
    }
    const at: WritePlace = {
      dialect,
      layer: `${kind.kind} ${name}`,
      note() {},
      shapes,
      refuse: (text) => problems.add(`${kind.kind} ${name}: ${text}`),
      outer(inner: NestedLayer) {
        const own_ = `${name}_${inner.kind.kind}`
        const made = writeLayer(inner, own_, shapes)
        return made
          ? entryOf(dialect, made.row.className, { name: own_, trainable: true, ...made.config })
          : {}
      },
    }
    return { row, config: writeFields(row, layer.config as Config, at) }
  }

  // TensorFlow.js hands no mask into a model or out of it
  const scope = scopeOf(network, (value) => dialect !== 'tfjs' || !outline.masked.has(value))
  const names = namesIn(scope, dialect === 'tfjs')
  const layers = layersIn(scope)
  const firstCalls = new Map([...network.calls].reverse().map((call) => [call.layer, call]))
  for (const layer of layers) {
    const before = problems.size + kindsLacking.size
    const shapes = firstCalls.get(layer)?.inputs.map(shapeOf) ?? []
    const made = writeLayer(layer, names.get(layer) ?? layer.name, shapes)
    if (!made) continue
    written.set(layer, made)
    if (problems.size + kindsLacking.size > before) continue
    const findings: Findings = { dialect, notes: [], problems, batch }
    const at = placeOf(findings, `${layer.kind.kind} ${layer.name}`, () => undefined, shapes)
    const again = layerOf(findings, made.row, made.config, null, at)
    if (!again) continue
    // two of our values may be one there: sharedAxes of prelu, null and all axes but the last
    const rewritten = writeLayer(again, layer.name, shapes)?.config ?? {}
    const isSame = (option: string) =>
      Object.entries(made.row.fields).some(
        ([key, field]) =>
          field.own === option &&
          made.config[key] !== undefined &&
          essence({ value: made.config[key] }) === essence({ value: rewritten[key] }),
      )
    const lost = differing(layer.config as Config, again.config as Config, isSame)
    for (const option of lost) problems.add(`${layer.kind.kind} ${layer.name}: ${option}`)
  }
  const lacking = [...kindsLacking].map(([kind, names]) => `${kind} (${names.join(', ')})`)
  if (lacking.length + problems.size > 0)
    fail(`${what}: ${maker} doesn't have: ${[...lacking, ...problems].join('; ')}`)

  const dtypeOf = (value: string) => network.inputs.find(({ name }) => name === value)?.dtype ?? 'float32'
  const modelClass = (own: Scope) =>
    isChain(own) ? 'Sequential' : dialect === 'tfjs' ? 'Model' : 'Functional'
  const refsOf = (
    values: readonly string[],
    keys: readonly string[] | null,
    refOf: (value: string) => unknown,
  ) =>
    dialect !== 'keras3'
      ? values.map(refOf)
      : keys
        ? Object.fromEntries(values.map((value, i) => [keys[i], refOf(value)]))
        : values.length === 1
          ? refOf(values[0])
          : values.map(refOf)

  /** A model, outermost or within another, and its weights in the order of the layers. */
  function writeScope(own: Scope, isWithin: boolean, owners: readonly string[], path: string): Written {
    const callsOf = new Map(unitsByDepth(own).map((unit): [ScopeCall['unit'], ScopeCall[]] => [unit, []]))
    for (const call of own.calls) callsOf.get(call.unit)?.push(call)
    const nameOf = (unit: ScopeCall['unit']) => (isScope(unit) ? unit.name : (names.get(unit) ?? unit.name))
    const taken = new Set([...callsOf.keys()].map(nameOf))
    const fullShape = (value: string) => [batch, ...(own.shapes.get(value) ?? shapeOf(value))]
    const inputs = own.inputs.map((value, i) => {
      let name = isWithin ? `input${own.inputs.length > 1 ? `_${i + 1}` : ''}` : value
      while (isWithin && taken.has(name)) name = `${name}_`
      const full = fullShape(value)
      const config = {
        name,
        dtype: dtypeOf(value),
        sparse: false,
        ...(dialect === 'keras3' ? { batch_shape: full } : { batch_input_shape: full }),
      }
      return { ...entryOf(dialect, 'InputLayer', config), name, inbound_nodes: [] }
    })

    /** A value as the name of a layer, the number of its call, and that of the output. */
    const refs = new Map<string, readonly [name: string, call: number, output: number, from: number]>()
    for (const [i, value] of own.inputs.entries()) refs.set(value, [inputs[i].name, 0, 0, 0])
    for (const [unit, calls] of callsOf)
      calls.forEach(({ outputs }, call) => {
        // a model's own outputs count as its first call, in Keras 3 those of a Functional
        const from = Number(isScope(unit) && !(dialect === 'keras3' && isChain(unit)))
        for (const [i, value] of outputs.entries()) refs.set(value, [nameOf(unit), call, i, from])
      })
    const refOf = (isCounted: boolean) => (value: string) => {
      const [name, call, output, from] = refs.get(value) ?? fail(`${what}: no value ${value}`)
      return [name, isCounted ? call + from : call, output] as const
    }
    const tensorOf = (value: string) => ({
      class_name: '__keras_tensor__',
      config: {
        shape: [batch, ...shapeOf(value)],
        dtype: dtypeOf(value),
        keras_history: refOf(false)(value),
      },
    })
    const nodeOf = ({ inputs, unit }: ScopeCall): unknown => {
      if (dialect !== 'keras3') return inputs.map((value) => [...refOf(true)(value), {}])
      const tensors = inputs.map(tensorOf)
      const isList = isScope(unit) ? tensors.length > 1 : isMerge(unit.kind.kind)
      const { causal } = isScope(unit) ? {} : (unit.config as { readonly causal?: boolean })
      // attention to itself: Keras asks for a value
      if (
        !isScope(unit) &&
        /^(multiHead|groupedQuery)Attention$/.test(unit.kind.kind) &&
        tensors.length === 1
      )
        tensors.push(tensors[0])
      return {
        args: isList ? [tensors] : tensors,
        kwargs: causal ? { use_causal_mask: true } : {},
      }
    }

    const counts = new Map<string, number>()
    const weights: WrittenWeight[] = []
    const entries = [...callsOf].map(([unit, calls]) => {
      const name = nameOf(unit)
      const { row, config } = isScope(unit) ? { row: null, config: {} } : (written.get(unit) as WrittenLayer)
      const kind = isScope(unit) ? modelClass(unit) : (row as Row).className
      const count = counts.get(kind) ?? 0
      counts.set(kind, count + 1)
      const at = `${path}layers/${pathName(kind)}${count > 0 ? `_${count}` : ''}/`
      const inbound_nodes = calls.map(nodeOf)
      if (isScope(unit)) {
        const inner = writeScope(unit, true, [...owners, name], at)
        weights.push(...inner.weights)
        return { ...inner.topology, name, inbound_nodes }
      }
      for (const slot of slotsOfLayer(row as Row, unit.config as Config, config)) {
        const spec = outline.byName.get(`${unit.name}/${slot.own}`) ?? fail(`${what}: no weight ${slot.own}`)
        weights.push({
          name: spec.name,
          shape: spec.shape,
          place: { owners, layer: name, className: kind, name: slot.name, path: at + slot.path },
          array: { shape: slot.theirs?.(spec.shape) ?? spec.shape, data: session.readWeight(spec).data },
        })
      }
      const { causal: _, ...plain } = config as Config
      // some of Keras 3's layers without weights take no `trainable`
      const isFixed = dialect === 'keras3' && !row?.slots
      const full = { name, ...(!isFixed && { trainable: unit.trainable }), dtype: 'float32', ...plain }
      return { ...entryOf(dialect, kind, full), name, inbound_nodes }
    })
    if (isWithin && isChain(own)) {
      const config = {
        name: own.name,
        layers: [...inputs, ...entries],
        build_input_shape: fullShape(own.inputs[0]),
      }
      return { topology: entryOf(dialect, 'Sequential', config) as Written['topology'], weights }
    }
    const keysOf = (structure: string, keys: readonly { readonly name: string }[]) =>
      !isWithin && structure === 'record' ? keys.map(({ name }) => name) : null
    const config = {
      name: own.name,
      layers: [...inputs, ...entries],
      input_layers: refsOf(own.inputs, keysOf(network.inputStructure, network.inputs), refOf(true)),
      output_layers: refsOf(own.outputs, keysOf(network.outputStructure, network.outputs), refOf(true)),
    }
    return {
      topology: entryOf(dialect, dialect === 'tfjs' ? 'Model' : 'Functional', config) as Written['topology'],
      weights,
    }
  }
  return writeScope(scope, false, [], '')
}

/** The names of layers in a file: without those of the models around them, unless `isOne`, where a name is one layer's in all models. */
function namesIn(scope: Scope, isOne: boolean): ReadonlyMap<NetworkLayer, string> {
  const names = new Map<NetworkLayer, string>()
  const counts = new Map<string, number>()
  const walk = ({ prefix, calls }: Scope): void => {
    for (const unit of new Set(calls.map(({ unit }) => unit))) {
      if (isScope(unit)) {
        walk(unit)
        continue
      }
      const name = unit.name.slice(prefix.length)
      names.set(unit, name)
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
  }
  walk(scope)
  if (isOne) for (const [layer, name] of names) if (counts.get(name) !== 1) names.set(layer, layer.name)
  return names
}

/** Whether a model is layers one behind the other, each called once on one value. */
function isChain({ calls, inputs, outputs }: Scope): boolean {
  const isPlain = ({ unit }: ScopeCall) =>
    isScope(unit) || !(isMerge(unit.kind.kind) || (unit.config as { readonly causal?: boolean }).causal)
  const ends = [...inputs, ...calls.flatMap((call) => call.outputs)]
  return (
    inputs.length === 1 &&
    ends.length === calls.length + 1 &&
    String(outputs) === String(ends.slice(-1)) &&
    new Set(calls.map(({ unit }) => unit)).size === calls.length &&
    calls.every((call, i) => String(call.inputs) === String(ends.slice(i, i + 1)) && isPlain(call))
  )
}

/** Layers that take a list of values. */
const isMerge = (kind: string): boolean =>
  /^(add|subtract|multiply|average|maximum|minimum|concatenate|dot|attention|additiveAttention)$/.test(kind)
