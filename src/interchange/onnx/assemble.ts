// From a tape to a model. Steps that a layer of their own stands for become that layer (`activation`, `add`, `permute` ...); the
// others, and those between them, become `operations`: as few as there can be without a circle. Steps have stages: a step that
// reads what a layer makes has a higher one than the steps that the layer reads, so the steps of one stage can lie in one layer.
import { activation, flatten, permute, reshape } from '../../layers/core.ts'
import type { Layer, Symbolic } from '../../layers/layer.ts'
import { add, concatenate, maximum, minimum, multiply, subtract } from '../../layers/merge.ts'
import { type OperationStep, operations } from '../../layers/operations.ts'
import { fail } from '../../numerics/errors.ts'
import { BATCH, type Item, type LayerItem, type StepItem } from './flows.ts'
import type { Tape } from './tape.ts'

const MERGES: Readonly<Record<string, (options: { name?: string }) => Layer>> = {
  add,
  subtract,
  multiply,
  maximum,
  minimum,
}

/** Functions that are activations under the same name; exp has another one. */
const ACTIVATIONS = new Set(
  (
    'relu relu6 leakyRelu elu celu selu gelu geluTanh silu sigmoid logSigmoid tanh softplus softsign hardSigmoid hardSwish ' +
    'hardTanh mish exp square'
  ).split(' '),
)

/** The layer that stands for a step alone, and whether it only moves elements; null: none does. */
function layerOf(
  t: Tape,
  { step, inputs, output }: StepItem,
): { make: LayerItem['make']; isMove: boolean } | null {
  const shape = t.shapeOf(output)
  const given = inputs.map((i) => t.shapeOf(i))
  const isBatch = [shape, ...given].every((own) => own.length > 0 && own[0] % BATCH === 0 && own[0] > 0)
  if (t.each || !isBatch) return null
  const keeps = given[0]?.[0] === shape[0]
  const { op, fn } = step as { op: string; fn?: string }
  const as = (make: LayerItem['make'], isMove = false) => ({ make, isMove })
  switch (op) {
    case 'unary': {
      if (!ACTIVATIONS.has(fn as string)) return null
      const name = (fn === 'exp' ? 'exponential' : fn) as 'elu'
      const { alpha } = step as { alpha?: number }
      const own = alpha === undefined ? name : { name, alpha }
      return as((options) => activation({ ...options, activation: own }))
    }
    case 'binary':
      return fn && Object.hasOwn(MERGES, fn) && given.every(({ length }) => length === shape.length)
        ? as((options) => MERGES[fn](options))
        : null
    case 'softmax':
      return as((options) => activation({ ...options, activation: step.log ? 'logSoftmax' : 'softmax' }))
    case 'concatenate':
      return step.axis === 0 ? null : as((options) => concatenate({ ...options, axis: step.axis as number }))
    case 'permute':
      return (step.axes as number[])[0] === 0
        ? as((options) => permute({ ...options, dims: (step.axes as number[]).slice(1) }), true)
        : null
    case 'reshape':
      if (!keeps || shape.some((n, i) => i > 0 && n % BATCH === 0)) return null
      return shape.length === 2 && given[0].length > 2
        ? as((options) => flatten(options), true)
        : as((options) => reshape({ ...options, targetShape: shape.slice(1) }), true)
    default:
      return null
  }
}

/** What lies in a common layer. */
function together(
  t: Tape,
  outputs: readonly number[],
): { inRegion: Set<StepItem>; readers: Map<number, Item[]> } {
  const readers = new Map<number, Item[]>()
  for (const item of t.items)
    for (const input of new Set(item.inputs)) {
      const list = readers.get(input)
      if (list) list.push(item)
      else readers.set(input, [item])
    }
  const isLeaf = (item: StepItem) => item.step.op === 'weight' || item.step.op === 'constant'
  const inRegion = new Set<StepItem>()
  const soft = new Map<StepItem, boolean>()
  for (const item of t.items) {
    if (item.kind === 'layer' || isLeaf(item)) continue
    const own = layerOf(t, item)
    const readsLeaf = item.inputs.some((i) => {
      const from = t.values[i].item
      return from?.kind === 'step' && isLeaf(from)
    })
    if (own && !readsLeaf) soft.set(item, own.isMove)
    else inRegion.add(item)
  }
  const makers = (item: StepItem) => item.inputs.map((i) => t.values[i].item)
  const isIn = (item: Item | null) => item?.kind === 'step' && (inRegion.has(item) || isLeaf(item))
  let isBackward = false
  for (let isDone = false; !isDone; ) {
    isDone = true
    // in turns from the front and from the back, so that chains join in one pass
    const list = [...soft]
    isBackward = !isBackward
    for (const [item, isMove] of isBackward ? list.reverse() : list) {
      const next = readers.get(item.output) ?? []
      const joins = isMove
        ? [...makers(item), ...next].some((each) => each?.kind === 'step' && inRegion.has(each))
        : makers(item).every(isIn) && next.length > 0 && next.every(isIn) && !outputs.includes(item.output)
      if (!joins) continue
      soft.delete(item)
      inRegion.add(item)
      isDone = false
    }
  }
  return { inRegion, readers }
}

/** A layer to be made: what it reads and makes, as numbers of stored values. */
interface Unit {
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
  readonly make: LayerItem['make']
  readonly weights: Readonly<Record<string, ArrayLike<number>>>
  readonly key: string
  readonly hint: string
  readonly tied: string | null
  readonly isSteps?: boolean
}

/** Names that no other has, within what a layer can be called. */
class Names {
  private readonly taken = new Set<string>()

  of(wanted: string): string {
    const plain = wanted.replaceAll(/[^\w.-]+/g, '.').slice(0, 100) || 'value'
    const base = plain in Object.prototype || plain === 'optimizer' ? `${plain}_` : plain
    let name = base
    for (let i = 2; this.taken.has(name); i++) name = `${base}_${i}`
    this.taken.add(name)
    return name
  }
}

/** One layer of the steps of a region. */
function regionUnit(
  t: Tape,
  items: readonly StepItem[],
  isRead: (value: number) => boolean,
  first: number,
): Unit {
  const own = new Set(items.map(({ output }) => output))
  const leaves = new Map<number, StepItem>()
  const outside = new Set<number>()
  for (const { inputs } of items) {
    for (const input of inputs) {
      const from = t.values[input].item
      if (own.has(input)) continue
      if (from?.kind === 'step' && (from.step.op === 'weight' || from.step.op === 'constant'))
        leaves.set(input, from)
      else outside.add(input)
    }
  }
  // the first input tells the number of samples
  const isCounted = (value: number) => t.each || t.shapeOf(value)[0] % BATCH === 0
  const counted = [...outside].find(isCounted) ?? first
  const inputs = [counted, ...[...outside].filter((value) => value !== counted)]
  const numbers = new Map(inputs.map((value, i) => [value, i]))
  const steps: OperationStep[] = []
  const weights: Record<string, ArrayLike<number>> = {}
  const names = new Names()
  for (const item of [...leaves.values(), ...items]) {
    const { step, weight } = item
    const attributes = { ...step } as Record<string, unknown> & { op: string }
    if (weight) {
      const name = names.of((weight.name ?? '').split(/[./:]/).at(-1) || 'constant')
      attributes.name = name
      weights[name] = weight.data
    }
    numbers.set(item.output, inputs.length + steps.length)
    const given = item.inputs.map((i) => numbers.get(i) as number)
    steps.push(given.length > 0 ? { ...attributes, inputs: given } : attributes)
  }
  const outputs = items.map(({ output }) => output).filter(isRead)
  const rows = t.each ? 1 : t.shapeOf(counted)[0] / BATCH
  const options = { steps, outputs: outputs.map((value) => numbers.get(value) as number), rows, each: t.each }
  return {
    inputs,
    outputs,
    make: ({ name, ties = new Map<string, string>(), holders = 0 }) => {
      const moved = (list: readonly number[]) => list.map((n) => (n < inputs.length ? n : n + holders))
      const own = steps.map((step) => {
        const tiedTo = step.op === 'weight' && ties.get(step.name as string)
        return { ...step, ...(step.inputs && { inputs: moved(step.inputs) }), ...(tiedTo && { tiedTo }) }
      })
      const all = { ...options, steps: own, outputs: moved(options.outputs) }
      return operations({ ...(name && { name }), ...all }) as Layer<unknown>
    },
    isSteps: true,
    weights,
    key: '',
    hint: '',
    tied: null,
  }
}

/** The layers of a tape, in an order in which each comes behind those that it reads. */
function unitsOf(t: Tape, outputs: readonly number[], first: number): Unit[] {
  const { inRegion, readers } = together(t, outputs)
  const stages = new Map<number, number>()
  const parents = new Map<StepItem, StepItem>()
  const rootOf = (item: StepItem): StepItem => {
    let root = item
    for (let next = parents.get(root); next; next = parents.get(root)) root = next
    if (root !== item) parents.set(item, root)
    return root
  }
  const join = (a: StepItem, b: StepItem) => {
    const [p, q] = [rootOf(a), rootOf(b)]
    if (p !== q) parents.set(q, p)
  }
  const byWeight = new Map<string, StepItem>()
  for (const item of t.items) {
    const isStep = item.kind === 'step' && inRegion.has(item)
    let stage = 0
    for (const input of item.inputs) {
      const given = stages.get(input) ?? 0
      stage = Math.max(stage, isStep ? Math.ceil(given) : Number.isInteger(given) ? given + 0.5 : given)
    }
    for (const output of item.kind === 'step' ? [item.output] : item.outputs) stages.set(output, stage)
    if (!isStep) continue
    for (const input of item.inputs) {
      const from = t.values[input].item
      if (from?.kind === 'step' && inRegion.has(from) && stages.get(input) === stage) join(from, item)
      if (from?.kind !== 'step' || from.step.op !== 'weight') continue
      const key = `${input} ${stage}`
      const known = byWeight.get(key)
      if (known) join(known, item)
      else byWeight.set(key, item)
    }
  }
  const regions = new Map<StepItem, StepItem[]>()
  for (const item of t.items) {
    if (item.kind !== 'step' || !inRegion.has(item)) continue
    const root = rootOf(item)
    const list = regions.get(root)
    if (list) list.push(item)
    else regions.set(root, [item])
  }
  const units: { unit: Unit; stage: number }[] = []
  for (const items of regions.values()) {
    const own = new Set<Item>(items)
    const isRead = (value: number) =>
      outputs.includes(value) || (readers.get(value) ?? []).some((reader) => !own.has(reader))
    units.push({ unit: regionUnit(t, items, isRead, first), stage: stages.get(items[0].output) as number })
  }
  for (const item of t.items) {
    if (item.kind === 'layer') {
      units.push({ unit: item, stage: stages.get(item.outputs[0]) as number })
    } else if (!inRegion.has(item) && item.step.op !== 'weight' && item.step.op !== 'constant') {
      const own = layerOf(t, item) ?? fail('a step that no layer stands for')
      const unit = {
        inputs: item.inputs,
        outputs: [item.output],
        make: own.make,
        weights: {},
        key: '',
        hint: '',
        tied: null,
      }
      units.push({ unit, stage: stages.get(item.output) as number })
    }
  }
  // layers of one stage stay in the order of the tape
  return units.sort((a, b) => a.stage - b.stage).map(({ unit }) => unit)
}

/** Where the array of each weight goes, by its name in the model. */
export interface Assembled {
  readonly values: ReadonlyMap<number, Symbolic>
  readonly weights: ReadonlyMap<string, ArrayLike<number>>
}

/** Calls the layers on the inputs. `taken`: names that no layer may have. */
export function assemble(
  t: Tape,
  inputs: ReadonlyMap<number, Symbolic>,
  outputs: readonly number[],
  taken: readonly string[],
): Assembled {
  const names = new Names()
  for (const name of taken) names.of(name)
  const values = new Map(inputs)
  const weights = new Map<string, ArrayLike<number>>()
  const known = new Map<string, Layer<unknown>>()
  const placed = new Map<ArrayLike<number>, { readonly name: string; readonly value: Symbolic }>()
  const [[first]] = inputs
  const used = new Set(outputs)
  const units = unitsOf(t, outputs, first)
  const live = [...units].reverse().filter((unit) => {
    if (!unit.outputs.some((value) => used.has(value))) return false
    for (const input of unit.inputs) used.add(input)
    return true
  })
  for (const { inputs, outputs, make, weights: own, key, hint, tied, isSteps } of live.reverse()) {
    let layer = key === '' ? undefined : known.get(key)
    // steps of several layers that read one weight: all but the first come behind its holder, from which they take another input
    const shared = Object.entries(isSteps ? own : {}).flatMap(([weight, data]) => {
      const holder = placed.get(data)
      return holder ? [{ weight, ...holder }] : []
    })
    const behind = [...new Set(shared.map(({ value }) => value))]
    if (!layer) {
      const tiedTo = tied === null ? undefined : known.get(tied)?.layerName
      const hasWeights = Object.keys(own).length > 0
      const name = hasWeights ? names.of(hint || make({}).kind.kind) : undefined
      const ties = new Map(shared.map(({ weight, name }) => [weight, name]))
      const ofSteps = isSteps && { ties, holders: behind.length }
      layer = make({ ...(name !== undefined && { name }), ...(tiedTo && { tiedTo }), ...ofSteps })
      for (const [weight, data] of Object.entries(own)) {
        if (ties.has(weight) || (tiedTo && weight === 'kernel')) continue
        weights.set(`${name}/${weight}`, data)
      }
      if (key !== '') known.set(key, layer)
    }
    const given = inputs.map((value) => values.get(value) ?? fail('a value that nothing makes'))
    const made = layer([...given, ...behind]) as Symbolic | readonly Symbolic[]
    const list = Array.isArray(made) ? made : [made]
    outputs.forEach((value, i) => {
      values.set(value, list[i])
    })
    for (const [weight, data] of Object.entries(isSteps ? own : {}))
      if (!placed.has(data)) placed.set(data, { name: `${layer.layerName}/${weight}`, value: list[0] })
  }
  return { values, weights }
}
