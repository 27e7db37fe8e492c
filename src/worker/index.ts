// Models in workers: everything a program imports from `lanegrad/worker`.
export { LanegradError } from '../numerics/errors.ts'
export {
  type Remote,
  type RemoteFitOptions,
  type Transfer,
  type WorkerModel,
  type WorkerModelOptions,
  workerModel,
} from './remote.ts'
export { type ServeOptions, serveModels } from './serve.ts'
export type { MessageTarget, WorkerLike } from './target.ts'
