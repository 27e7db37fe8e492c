// Weights by class for a frozen trainer, for programs that name them.
import { readingTargets } from '../feed/batch.ts'
import { type WeightsByClass, weighClasses } from '../feed/class-weight.ts'
import { check, reading } from '../numerics/errors.ts'
import { finish } from '../numerics/pieces.ts'
import type { NamedArray } from '../numerics/tensor.ts'
import type { Data } from '../rows/rows.ts'
import { checkTrainer, ones, type Trainer } from './trainer.ts'

/**
 * Sample weights of weights by class, those of each row (or position) of y: `trainStep(x, y, { sampleWeight:
 * classWeights(trainer, y, { 0: 1, 1: 5 }) })` gives the bits of `model.trainStep(x, y, { classWeight: classWeights({ 0: 1,
 * 1: 5 }) })` with the function of that name from 'lanegrad'. A class left out weighs 1; for several outputs the table has one for each by name. The file must have been frozen with
 * `sampleWeight: true`, for labels of positions with 'positions'.
 * @throws LanegradError naming a class there isn't, or an output whose targets have none
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { freeze } from 'lanegrad/freeze'
 * import { classWeights, open } from 'lanegrad/run'
 *
 * const model = sequential({ inputShape: [2], layers: [dense({ units: 2, activation: 'softmax' })] })
 * model.compile({ loss: 'sparseCategoricalCrossentropy' })
 * const trainer = open(freeze(model, { train: [2], sampleWeight: true }))
 * const [x, y] = [[[0, 1], [1, 0]], [0, 1]]
 * const { loss } = trainer.trainStep(x, y, { sampleWeight: classWeights(trainer, y, { 1: 5 }) })
 * console.log(loss === model.trainStep(x, y, { sampleWeight: [1, 5] }).loss) // true
 * ```
 */
export function classWeights(trainer: Trainer, y: Data, table: WeightsByClass): Data {
  const what = 'classWeights'
  const { session, updating } = checkTrainer(what, trainer)
  const { feeds } = session
  return reading(`${what}: its arguments`, () => {
    check(updating !== null && table !== undefined, `${what}: table`, 'an object of weights by class', table)
    const targets = finish(readingTargets(feeds, what, y))
    const batch = { rows: targets[0].rows, x: [], y: targets, weights: targets.map(() => null) }
    const arrays = weighClasses(what, batch, feeds, table).weights.map((own, i): NamedArray => {
      const { data, rows, shape } = own ?? ones(batch.rows, session.weightShapes('train')[i] ?? [])
      return { shape: [rows, ...shape], data: data as Float32Array }
    })
    if (feeds.outputStructure === 'single') return arrays[0]
    return feeds.outputStructure === 'list'
      ? arrays
      : Object.fromEntries(feeds.targets.map(({ name }, i) => [name, arrays[i]]))
  })
}
