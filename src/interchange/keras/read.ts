// Keras's models become ours. Enters: a topology (untrusted JSON) and a function that finds the file's weights. Leaves: a model with
// these weights and `importNotes`, or one LanegradError that names all that can't be taken over.
//
// How a reader of files uses it:
//
//   const model = readTopology(topology, {
//     what: 'loadTfjs',                       // the function that messages name
//     dialect: 'tfjs',                        // or 'keras2', 'keras3': what names and missing options mean
//     find: (place) => weights.get(`${place.layer}/${place.name}`), // { shape, data }, or undefined
//     notes: [],                              // what the reader itself has dropped
//     runtime: {},                            // { numerics, threads } of the model
//   })
//
// `find` is asked once for each weight, with all that names it in some format: `owners` (names of the models it lies in), `layer`,
// `className`, `name` (`kernel`, `forward_lstm/kernel`, `query/kernel`) and `path` (`layers/functional/layers/lstm_1/cell/vars/0`,
// as in a .weights.h5 of Keras 3). A weight in a layer's order is one of several in a row. The shape must be Keras's.
import { input, type Layer, type Symbolic } from '../../layers/layer.ts'
import { model as makeModel } from '../../model/create.ts'
import { Model } from '../../model/model.ts'
import type { Values } from '../../network/network.ts'
import { check, fail, isRecord, LanegradError, POSITIVE_INTEGER, show } from '../../numerics/errors.ts'
import type { DType, RowShape } from '../../numerics/shape.ts'
import type { NamedArray } from '../../numerics/tensor.ts'
import type { RuntimeOptions } from '../../runtime/engine.ts'
import { rowOfClass, slotsOfLayer } from './classes.ts'
import { type Imported, importedOf } from './imported.ts'
import { listText, namer, pathName } from './names.ts'
import { type Operation, operatorOf } from './operators.ts'
import { checkClasses, idInputs } from './plan-checks.ts'
import { type Findings, layerOf, placeOf } from './read-layer.ts'
import { type Config, type Dialect, own, type Row, type Slot } from './row.ts'
import { type Call, type Entry, type Plan, type Ref, type Refs, readPlan, shapeIn } from './topology.ts'

/** All that names a weight in some format of files. */
export interface WeightPlace {
  readonly owners: readonly string[]
  readonly layer: string
  readonly className: string
  readonly name: string
  readonly path: string
}

export interface TopologyOptions {
  readonly what: string
  readonly dialect: Dialect
  readonly find: (place: WeightPlace) => NamedArray | undefined
  readonly notes: readonly string[]
  readonly runtime: RuntimeOptions
}

/** As many calls of layers as a model may have: models within models called twice, and so on, would be any number. */
const MOST_CALLS = 2_000

/** A value with its shape, without the batch. */
interface Known {
  readonly value: Symbolic
  readonly shape: RowShape
  readonly dtype: DType
}

/** A layer or a model that an entry has become. */
interface Made {
  readonly call: (inputs: readonly Known[]) => readonly Known[]
  /** Calls of layers in one of its calls. */
  readonly calls: number
  /** The weights, each with its name in the model that the entry lies in. */
  readonly weights: readonly Weight[]
  dispose(): void
}

interface Weight {
  readonly own: string
  readonly place: WeightPlace
  readonly slot: Slot
}

/** Where an entry lies: the models around it, and the path of its model in a file of Keras 3. */
interface Around {
  readonly owners: readonly string[]
  readonly path: string
}

/** The shape of an input without its batch. @throws LanegradError unless it is one */
function inputShape(shape: unknown, what: string): RowShape {
  check(Array.isArray(shape) && shape.length > 0, what, 'a shape with its batch', shape)
  return shape.slice(1).map((n) => (n === -1 ? null : n))
}

/** The size of batches that the inputs of a model tell, for layers that keep states. */
function batchOf({ inputs, entries }: Plan): number | null {
  for (const [, { layer }] of inputs.list) {
    const entry = entries.get(layer)
    const shape = entry && shapeIn(entry)
    if (Array.isArray(shape) && POSITIVE_INTEGER.holds(shape[0])) return shape[0]
  }
  return null
}

/** The model of a topology. @throws LanegradError naming all that can't be taken over */
export function readTopology(topology: unknown, options: TopologyOptions): Imported {
  const { what, dialect, find, runtime } = options
  const notes = [...options.notes]
  const problems = new Set<string>()
  const renamed = new Map<string, string>()
  const ids = new Map<Plan, ReadonlySet<string>>()
  const plan = readPlan(topology)
  const findings: Findings = { dialect, notes, problems, batch: batchOf(plan) }
  checkClasses(plan, what)
  const failWithProblems = (): void => {
    if (problems.size > 0)
      fail(`${what}: the model has what lanegrad doesn't: ${[...problems].slice(0, 50).join('; ')}`)
  }

  const checkCalls = (calls: number): void => {
    if (calls > MOST_CALLS) fail(`${what}: the model has more than ${MOST_CALLS} calls of layers`)
  }

  function madeLayer(entry: Entry, name: string, around: Around, path: string): Made {
    const { className, calls } = entry
    const row = rowOfClass(className) as Row
    const config = withCallOptions(entry, calls, (text) =>
      problems.add(`${className} ${entry.name}: ${text}`),
    )
    const placed = (slot: Slot): WeightPlace => ({
      owners: around.owners,
      layer: entry.name,
      className,
      name: slot.name,
      path: `${path}/${slot.path}`,
    })
    const make = (shapes: readonly RowShape[]) => {
      const at = placeOf(findings, `${className} ${entry.name}`, (slot) => find(placed(slot)), shapes)
      return layerOf(findings, row, config, name, at)
    }
    let layer = row.prepare ? undefined : make([])
    const weights: Weight[] = []
    return {
      calls: 1,
      weights,
      dispose() {},
      call(inputs) {
        const isFirst = weights.length === 0
        layer ??= make(inputs.map(({ shape }) => shape))
        if (!layer) {
          failWithProblems()
          fail(`${what}: ${className} ${entry.name} can't be made`)
        }
        if (isFirst)
          for (const slot of slotsOfLayer(row, layer.config as Config, config))
            weights.push({ own: `${name}/${slot.own}`, place: placed(slot), slot })
        return called(layer, inputs)
      },
    }
  }

  /** An operation between layers, called once. */
  function madeOperation(entry: Entry, name: string): Made {
    const { className, config, calls } = entry
    const [call, another] = calls
    return {
      calls: 1,
      weights: [],
      dispose() {},
      call(inputs) {
        const where = `${className} ${entry.name}`
        if (!call?.operands || another)
          return fail(`${what}: ${where}: ${calls.length} calls of an operation`)
        try {
          const operation: Operation = {
            operands: call.operands,
            options: { ...config, ...call.options },
            shapes: inputs.map(({ shape }) => shape),
            named: { name },
          }
          return called(
            (operatorOf(className) as NonNullable<ReturnType<typeof operatorOf>>)(operation),
            inputs,
          )
        } catch (error) {
          if (!(error instanceof LanegradError)) throw error
          problems.add(`${where}: ${error.message}`)
          failWithProblems()
          throw error
        }
      },
    }
  }

  function madeModel(inner: Plan, name: string, around: Around, path: string): Made {
    let built: ReturnType<typeof build> | null = null
    const weights: Weight[] = []
    const own_ = { owners: [...around.owners, inner.name], path: `${path}/layers/` }
    return {
      get calls() {
        return built?.calls ?? 0
      },
      weights,
      dispose: () => built?.model.dispose(),
      call(inputs) {
        if (!built) {
          built = build(inner, inputs, own_, name)
          for (const weight of built.weights) weights.push({ ...weight, own: `${name}.${weight.own}` })
        }
        return called(built.model as unknown as Layer<unknown>, inputs)
      },
    }
  }

  /** The outputs of a layer or model called on values, with their shapes. */
  function called(layer: Layer<unknown>, inputs: readonly Known[]): readonly Known[] {
    const alone = inputs.map(({ shape, dtype }) => input({ shape, dtype }))
    const listed = (result: unknown): Symbolic[] =>
      isRecord(result) && !('layer' in result)
        ? (Object.values(result) as Symbolic[])
        : ([result].flat() as Symbolic[])
    const { outputs } = Model.outlineOf(alone, listed(layer(alone)))
    const shapes = [...outputs.values()]
    return listed(layer(inputs.map(({ value }) => value))).map((value, i) => ({
      value,
      shape: shapes[i],
      dtype: 'float32',
    }))
  }

  /** A model of a plan; `given`: what it is called on, where it has no shapes of its own. */
  function build(plan: Plan, given: readonly Known[] | null, around: Around, name?: string) {
    const nameOf = namer(renamed)
    const taking = idInputs(plan, ids)
    const made = new Map<string, Made>()
    const values = new Map<string, readonly Known[]>()
    const counts = new Map<string, number>()
    for (const entry of plan.entries.values()) {
      const { className, config, model } = entry
      if (className === 'InputLayer') {
        const at = plan.inputs.list.findIndex(([, { layer }]) => layer === entry.name)
        if (at < 0)
          fail(`${what}: the input ${show(entry.name)} of ${plan.name} isn't among its input_layers`)
        const own_ = shapeIn(entry)
        if (!own_ && !given?.[at])
          fail(`${what}: the file doesn't tell the shape of the input of ${plan.name}`)
        const shape = own_
          ? inputShape(own_, `${what}: shape of input ${entry.name.trim()}`)
          : (given?.[at].shape ?? [])
        const dtype = taking.has(entry.name) ? 'int32' : 'float32'
        if (dtype === 'float32' && /int|bool/.test(String(own(config, 'dtype'))))
          notes.push(`input ${entry.name} takes float32 numbers instead of ${own(config, 'dtype')}`)
        values.set(`${entry.name} 0`, [
          { value: input({ shape, dtype, name: nameOf(entry.name.trim()) }), shape, dtype },
        ])
        continue
      }
      const count = counts.get(className) ?? 0
      counts.set(className, count + 1)
      const path = around.path + pathName(className) + (count > 0 ? `_${count}` : '')
      // TensorFlow.js asks for names that are one layer's in all models, so files of ours may have that of the model in front
      const isPrefixed = name !== undefined && entry.name.startsWith(`${name}.`)
      const ours = nameOf(isPrefixed ? entry.name.slice(name.length + 1) : entry.name, model !== null)
      made.set(
        entry.name,
        model
          ? madeModel(model, ours, around, path)
          : operatorOf(className)
            ? madeOperation(entry, ours)
            : madeLayer(entry, ours, around, path),
      )
    }
    let calls = 0
    const ready = (ref: Ref): readonly Known[] | undefined => values.get(keyOf(plan, ref))
    const stack = plan.outputs.list.map(([, ref]) => ref)
    const open = new Set<string>()
    for (let ref = stack.at(-1); ref; ref = stack.at(-1)) {
      const key = keyOf(plan, ref)
      if (values.has(key)) {
        stack.pop()
        continue
      }
      const call = callIn(plan, ref, what)
      const missing = call.inputs.filter((one) => !ready(one))
      if (missing.length > 0) {
        if (open.has(key)) fail(`${what}: the layers of ${plan.name} form a cycle through ${show(ref.layer)}`)
        open.add(key)
        stack.push(...missing)
        continue
      }
      const layer = made.get(ref.layer) as Made
      const inputs = call.inputs.map((one) => outputOf(ready(one), one, what))
      checkCalls(calls + layer.calls)
      values.set(key, layer.call(inputs))
      calls += layer.calls
      checkCalls(calls)
    }
    failWithProblems()
    const valuesOf = (refs: Refs): Values => {
      const list = refs.list.map(([key, ref]): [string, Symbolic] => [
        key,
        outputOf(ready(ref), ref, what).value,
      ])
      if (refs.structure === 'record') return Object.fromEntries(list)
      return refs.structure === 'single' ? list[0][1] : list.map(([, value]) => value)
    }
    const [inputs, outputs] = [valuesOf(plan.inputs), valuesOf(plan.outputs)]
    const weights = [...made.values()].flatMap((one) => one.weights)
    const arrays = arraysOf(inputs, outputs, weights)
    const model = makeModel({
      inputs,
      outputs,
      weights: arrays,
      ...runtime,
      ...(name !== undefined && { name }),
    })
    for (const one of made.values()) one.dispose()
    return { model, weights, calls }
  }

  /** The file's arrays for the weights between values, by our names: before memory is taken for them. */
  function arraysOf(inputs: Values, outputs: Values, weights: readonly Weight[]): Record<string, NamedArray> {
    const outline = Model.outlineOf(inputs, outputs)
    const places = new Map(weights.map((weight) => [weight.own, weight]))
    const arrays: Record<string, NamedArray> = {}
    const missing: string[] = []
    for (const { name, shape } of outline.weights) {
      const { place, slot } = places.get(name) ?? fail(`${what}: weight ${name} has no place in files`)
      const found = find(place)
      if (!found) {
        missing.push(`${place.layer}/${place.name}`)
        continue
      }
      const wanted = slot.theirs?.(shape) ?? shape
      if (String(found.shape) !== String(wanted))
        fail(
          `${what}: weight ${place.layer}/${place.name} must have the shape [${wanted}]; the file's has [${found.shape}]`,
        )
      arrays[name] = { shape, data: found.data }
    }
    if (missing.length > 0) fail(`${what}: the file lacks the weights ${listText(missing)}`)
    return arrays
  }

  const { model } = build(plan, null, { owners: [], path: 'layers/' })
  if (renamed.size > 0)
    notes.push(
      `names that layers can't have here were changed: ${listText([...renamed].map(([from, to]) => `${from} is ${to}`))}`,
    )
  return importedOf(model, notes)
}

/** The config of a layer with the options of its calls, which must be the same in all of them. */
function withCallOptions(
  { config, className }: Entry,
  calls: readonly Call[],
  refuse: (text: string) => void,
): Config {
  let causal: unknown
  for (const { options } of calls) {
    for (const [key, value] of Object.entries(options)) {
      const isOff = value === null || value === false || key === 'training'
      if (key === 'use_causal_mask' && /Attention$/.test(className)) causal = value
      else if (!isOff) refuse(`called with ${key} ${show(value)}`)
    }
  }
  return causal === undefined ? config : { ...config, causal }
}

/** The index of a call among those that an entry lists. */
function callIndex({ model, className, calls }: Entry, { call, counted }: Ref): number {
  const isCounted = model && counted !== 'none' && !(counted === 'functional' && className === 'Sequential')
  return isCounted && call >= 1 && calls.length > 0 ? call - 1 : call
}

const keyOf = (plan: Plan, ref: Ref): string => {
  const entry = plan.entries.get(ref.layer)
  return `${ref.layer} ${entry ? callIndex(entry, ref) : ref.call}`
}

function callIn(plan: Plan, ref: Ref, what: string): Call {
  const entry = plan.entries.get(ref.layer)
  const call = entry?.calls[callIndex(entry, ref)]
  if (!call) fail(`${what}: ${plan.name} reads call ${ref.call} of ${show(ref.layer)}, which it doesn't have`)
  if (call.inputs.length === 0) fail(`${what}: ${show(ref.layer)} is called on nothing`)
  return call
}

function outputOf(values: readonly Known[] | undefined, { layer, output }: Ref, what: string): Known {
  return values?.[output] ?? fail(`${what}: ${show(layer)} has no output ${output}`)
}
