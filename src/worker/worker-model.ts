// Opens a model in a worker.
import { checkModel, type Model } from '../model/model.ts'
import type { Values } from '../network/network.ts'
import { check, checkOptions, must, NON_NEGATIVE, reading } from '../numerics/errors.ts'
import { connect } from './connect.ts'
import { WorkerModel } from './remote.ts'
import type { WorkerLike } from './target.ts'

/** Options of `workerModel`. */
export interface WorkerModelOptions {
  /** A worker that runs `serveModels`: `new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })`. */
  readonly worker: WorkerLike
  /** The longest wait for its answer, in ms. Default 30 000. */
  readonly timeoutMs?: number
}

/**
 * Copies a model into a worker: its weights, its optimizer's state and the options of `compile`. Training there gives the same
 * bits as here. The model in the page follows the one in the worker: it has the weights of the end of the last epoch (if epochs
 * are short, they are a second old at most), and after `fit` or `model()` the present ones. Don't train it meanwhile.
 *
 * @throws LanegradError if the worker can't be started or doesn't answer, or lacks a layer, loss or metric of your own
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { serveModels, workerModel } from 'lanegrad/worker'
 *
 * // in place of a worker, and of the global of its script
 * const { port1: worker, port2: port } = new MessageChannel()
 * serveModels({ port })
 *
 * const net = sequential({ inputShape: [2], layers: [dense({ units: 1 })] })
 * net.compile({ optimizer: 'sgd', loss: 'mse' })
 * const remote = await workerModel(net, { worker })
 * const history = await remote.fit([[0, 1], [1, 0]], [1, 0], { epochs: 3 })
 * console.log(history.loss.length) // 3
 * await remote.close()
 * worker.close()
 * ```
 */
export async function workerModel<V extends Values>(
  model: Model<V>,
  options: WorkerModelOptions,
): Promise<WorkerModel<V>> {
  const { worker, timeoutMs = 30_000 } = checkOptions('workerModel', options, ['worker', 'timeoutMs'])
  checkModel('workerModel: model', model)
  const canPost = reading('workerModel: worker', () => typeof worker?.postMessage === 'function')
  check(
    canPost,
    'workerModel: worker',
    "a Worker, such as new Worker('./worker.js', { type: 'module' })",
    worker,
  )
  must(NON_NEGATIVE, timeoutMs, 'workerModel: timeoutMs')
  const { calls, leave } = await connect(model, worker, timeoutMs)
  return new WorkerModel(model, calls, leave)
}
