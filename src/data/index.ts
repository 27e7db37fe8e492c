// Data on its way into a model: everything a program imports from `lanegrad/data`.
export { LanegradError } from '../numerics/errors.ts'
export type { FloatArray, NamedArray, ShapedArray } from '../numerics/tensor.ts'
export { type AugmentOptions, augmentImages } from './augment.ts'
export { type BatchesOptions, type BatchOf, batches, type IterableBatches } from './batches.ts'
export {
  type CsvOptions,
  type Labels,
  labelColumn,
  numberColumns,
  oneHotColumn,
  parseCsv,
  type Table,
  textColumn,
} from './csv.ts'
export { type GunzipOptions, gunzip, parseIdx } from './idx.ts'
export { type Drawable, type ImageOptions, imageTensor, type Pixels } from './image.ts'
export { parseNpy, saveNpy } from './npy.ts'
export { gatherRows, type RowData } from './rows.ts'
export {
  type Fold,
  type FoldOptions,
  kFold,
  type Split,
  type SplitOptions,
  type Strata,
  trainTestSplit,
} from './split.ts'
