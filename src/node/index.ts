// Callbacks that write files, or hand what they would write to a function: everything a program imports from `lanegrad/node`.
export { type CsvLoggerOptions, csvLogger } from '../callbacks/csvLogger.ts'
export {
  type CheckpointInfo,
  type ModelCheckpointOptions,
  modelCheckpoint,
} from '../callbacks/modelCheckpoint.ts'
