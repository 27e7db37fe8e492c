// What needs files: callbacks that write them, or hand what they would write to a function, and arrays in files. Everything a
// program imports from `lanegrad/node`.
export { type CsvLoggerOptions, csvLogger } from '../callbacks/csvLogger.ts'
export {
  type CheckpointInfo,
  type ModelCheckpointOptions,
  modelCheckpoint,
} from '../callbacks/modelCheckpoint.ts'
export {
  type ArrayBatch,
  type ArrayBatches,
  type ArraySource,
  type ArraySources,
  readArrays,
  saveArrays,
} from './arrays.ts'
