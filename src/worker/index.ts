// Models in workers: everything a program imports from `lanegrad/worker`.
export { LanegradError } from '../numerics/errors.ts'
export type { Remote, RemoteFitOptions, Transfer } from './options.ts'
export type { WorkerModel } from './remote.ts'
export { type ServeOptions, serveModels } from './serve.ts'
export type { MessageTarget, WorkerLike } from './target.ts'
export { type WorkerModelOptions, workerModel } from './worker-model.ts'
