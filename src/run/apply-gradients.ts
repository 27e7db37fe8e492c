// Steps by gradients that come from elsewhere, for programs that name them.
import { applyGradients as apply, type Gradients } from '../feed/gradients.ts'
import type { ApplyOptions } from '../feed/options.ts'
import { fail } from '../numerics/errors.ts'
import { checkTrainer, type Trainer } from './trainer.ts'

/**
 * One optimizer step of a frozen trainer by gradients that come from elsewhere, as `Model.applyGradients` makes it: the same bits.
 * The file must have been frozen with any size of `train`, whose update it runs.
 * @throws LanegradError, with nothing changed, on a weight that is missing or unknown, another shape, or NaN
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { freeze } from 'lanegrad/freeze'
 * import { applyGradients, open } from 'lanegrad/run'
 *
 * const model = sequential({ inputShape: [2], layers: [dense({ units: 1 })] })
 * model.compile({ optimizer: 'adam', loss: 'meanSquaredError' })
 * const trainer = open(freeze(model, { train: [1] }))
 * const gradients = model.gradients([[1, 2]], [3])
 * model.applyGradients(gradients)
 * applyGradients(trainer, gradients)
 * console.log(trainer.predict([[1, 2]]).data[0] === model.predict([[1, 2]]).data[0]) // true
 * ```
 */
export function applyGradients(trainer: Trainer, gradients: Gradients, options: ApplyOptions = {}): void {
  const { session } = checkTrainer('applyGradients', trainer)
  trainer.updating
  const trained =
    session.known.find(({ request }) => request.mode === 'train') ??
    fail('no program that trains: freeze(model, { train: [1] }) makes one')
  apply(session, trained, gradients, options)
}
