// What needs files or a terminal: callbacks that write files, or hand what they would write to a function, arrays in files, and a
// progress bar. Everything a program imports from `lanegrad/node`.
export { type CsvLoggerOptions, csvLogger } from '../callbacks/csvLogger.ts'
export {
  type CheckpointInfo,
  type ModelCheckpointOptions,
  modelCheckpoint,
} from '../callbacks/modelCheckpoint.ts'
export type { ProgressCallback } from '../callbacks/pace.ts'
export {
  type ArrayBatch,
  type ArrayBatches,
  type ArraySource,
  type ArraySources,
  readArrays,
  saveArrays,
} from './arrays.ts'
export { loadFile, type SaveFileOptions, saveFile } from './files.ts'
export { type ProgressOptions, type ProgressStream, progress } from './progress.ts'
export { type TensorBoardOptions, tensorBoard } from './tensorBoard.ts'
