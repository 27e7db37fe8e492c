// Class weights to sample weights. Enters: a checked batch and weights by class. Leaves: the batch with the weight of
// each row's class (or of each labelled position's) multiplied into its sample weights.

import { bringing, broughtBy } from '../numerics/brought.ts'
import { check, fail, must, NON_NEGATIVE, show } from '../numerics/errors.ts'
import { argmax, elementCount } from '../numerics/tensor.ts'
import type { Batch, Rows } from '../rows/rows.ts'
import type { Feeds, TargetFeed } from '../session/feeds.ts'

/** Weight by class id (-1 as well for the hinge losses); a class left out weighs 1. */
type WeightsOfClasses = Readonly<Record<number, number>>

/** Weight by class id, one left out weighs 1; for several outputs by output name: those left out get none. */
export type WeightsByClass = WeightsOfClasses | Readonly<Record<string, WeightsOfClasses>>

/** What `classWeights` makes. */
export interface ClassWeight {
  readonly kind: 'classWeights'
  readonly weights: WeightsByClass
  /** The batch with these weights. @throws LanegradError naming the class, or the output whose targets have none @internal */
  weigh(what: string, batch: Batch, feeds: Feeds): Batch
}

/** Losses of one-hot rows. */
const ONE_HOT: readonly string[] = ['categoricalCrossentropy', 'categoricalHinge', 'klDivergence']

/**
 * The class of each row of a target (of each position, if it has more axes): the label, where the row is largest, or the
 * rounded number of a single unit.
 */
function classesOf(
  what: string,
  { dtype, loss }: TargetFeed,
  y: Rows,
): { ids: ArrayLike<number>; shape: readonly number[] } {
  const { data, shape } = y
  if (dtype === 'int32') return { ids: data, shape }
  const columns = shape.length > 0 ? shape[shape.length - 1] : 1
  if (columns > 1 && !ONE_HOT.includes(loss))
    fail(`${what}: rows of ${columns} elements have no one class under ${loss}`)
  const ids = Int32Array.from({ length: data.length / columns }, (_, row) =>
    columns > 1 ? argmax(data, row * columns, columns) : Math.round(data[row]),
  )
  return { ids, shape: shape.slice(0, -1) }
}

/** A plain object, or a list: a Map's entries aren't keys. */
const hasKeys = (table: unknown): table is object =>
  /(Object|Array)]$/.test(Object.prototype.toString.call(table))

/** The least and the largest class id. */
function classLimits({ dtype, low, high, columns }: TargetFeed, { shape }: Rows): readonly [number, number] {
  const isSingle = dtype === 'float32' && (shape.at(-1) ?? 1) === 1
  return isSingle ? [Math.ceil(low), Math.floor(high)] : [0, columns - 1]
}

function weightsOf(
  what: string,
  target: TargetFeed,
  y: Rows,
  given: Rows | null,
  table: WeightsOfClasses,
): Rows {
  check(hasKeys(table), what, 'an object of weights by class, { 0: 1, 1: 5 }', table)
  const [least, most] = classLimits(target, y)
  for (const [id, weight] of Object.entries(table)) {
    if (!/^-?\d+$/.test(id)) fail(`${what}: expected class ids as keys; got ${show(id)}`)
    const isClass = (Number(id) >= least && Number(id) <= most) || Number(id) === target.ignoreIndex
    if (!isClass) fail(`${what}: expected classes from ${least} to ${most}; got ${id}`)
    must(NON_NEGATIVE, weight, `${what}: class ${id}`)
  }
  const { ids, shape } = classesOf(what, target, y)
  const data = new Float32Array(ids.length)
  for (let i = 0; i < data.length; i++) data[i] = table[ids[i]] ?? 1
  if (!given || given.shape.length <= shape.length) {
    // one sample weight for each row, or for each of its positions
    const span = given ? data.length / given.data.length : 1
    if (given) for (let i = 0; i < data.length; i++) data[i] *= given.data[Math.floor(i / span)]
    return { data, rows: y.rows, shape }
  }
  const span = elementCount(given.shape) / elementCount(shape)
  return { ...given, data: Float32Array.from(given.data, (weight, i) => weight * data[Math.floor(i / span)]) }
}

/** @throws LanegradError naming the class, or the output whose targets have none */
export function weighClasses(
  what: string,
  batch: Batch,
  { targets }: Feeds,
  classWeight: WeightsByClass,
): Batch {
  const argument = `${what}: classWeight`
  check(hasKeys(classWeight), argument, 'an object of weights by class, { 0: 1, 1: 5 }', classWeight)
  const isOne = targets.length === 1
  const names = targets.map(({ name }) => name)
  for (const name of isOne ? [] : Object.keys(classWeight))
    if (!names.includes(name))
      fail(`${argument}: expected weights for ${names.join(', ')}; got ${show(name)}`)
  const weights = targets.map((target, i) => {
    const { name } = target
    const table = isOne
      ? (classWeight as WeightsOfClasses)
      : (classWeight as Record<string, WeightsOfClasses>)[name]
    const where = isOne ? argument : `${argument} of ${name}`
    const given = batch.weights[i]
    return table === undefined ? given : weightsOf(where, target, batch.y[i], given, table)
  })
  return { ...batch, weights }
}

/**
 * Weights of classes, multiplied into the sample weights by each row's label, one-hot row or rounded single unit: `{ 0: 1, 1: 5 }`,
 * where those left out weigh 1; for several outputs by output name. A value of the option `classWeight` of `fit` and
 * `trainStep`.
 * @throws LanegradError where it is used, on a class that the targets don't have or a weight below 0
 * @example
 * ```js
 * import { classWeights, dense, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 2, activation: 'softmax', kernelInitializer: 'zeros' })] })
 * model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' })
 * const { loss } = model.trainStep([[1], [2]], [0, 1], { classWeight: classWeights({ 1: 3 }) })
 * console.log(loss.toFixed(4), (2 * Math.log(2)).toFixed(4)) // 1.3863 1.3863
 * ```
 */
export const classWeights = (weights: WeightsByClass): ClassWeight =>
  bringing({ kind: 'classWeights', weights } as const, {
    weigh: (what: string, batch: Batch, feeds: Feeds) => weighClasses(what, batch, feeds, weights),
  })

/** What `classWeights` made; null: none was given. @throws LanegradError that shows how it is written */
export const readClassWeight = (given: ClassWeight | null, what: string): ClassWeight | null =>
  broughtBy(what, given, 'weigh', 'classWeights({ 0: 1, 1: 10 })')
