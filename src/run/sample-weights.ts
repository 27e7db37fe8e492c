// Weights by class as sample weights of a frozen trainer, for programs that name them.
import { readingTargets } from '../feed/batch.ts'
import { type WeightsByClass, weighClasses } from '../feed/class-weight.ts'
import { check, reading } from '../numerics/errors.ts'
import { finish } from '../numerics/pieces.ts'
import type { NamedArray } from '../numerics/tensor.ts'
import type { Data } from '../rows/rows.ts'
import { checkTrainer, ones, type Trainer } from './trainer.ts'

/**
 * Makes sample weights of weights by class, one for each row (or position) of y. A class that is left out weighs 1; for several
 * outputs the table has one for each by name. The file must have been frozen with `sampleWeight: true`, for labels of positions
 * with 'positions'. `trainStep(x, y, { sampleWeight: sampleWeights(trainer, y, table) })` gives the bits of a model's
 * `trainStep(x, y, { classWeight: classWeights(table) })`.
 * @throws LanegradError naming a class there isn't, or an output whose targets have none
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { freeze } from 'lanegrad/freeze'
 * import { open, sampleWeights } from 'lanegrad/run'
 *
 * const model = sequential({ inputShape: [2], layers: [dense({ units: 2, activation: 'softmax' })] })
 * model.compile({ loss: 'sparseCategoricalCrossentropy' })
 * const trainer = open(freeze(model, { train: [2], sampleWeight: true }))
 * const [x, y] = [[[0, 1], [1, 0]], [0, 1]]
 * const { loss } = trainer.trainStep(x, y, { sampleWeight: sampleWeights(trainer, y, { 1: 5 }) })
 * console.log(loss === model.trainStep(x, y, { sampleWeight: [1, 5] }).loss) // true
 * ```
 */
export function sampleWeights(trainer: Trainer, y: Data, table: WeightsByClass): Data {
  const what = 'sampleWeights'
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
