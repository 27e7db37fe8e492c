// Data on its way into a model: everything a program imports from `lanegrad/data`.
export { LanegradError } from '../numerics/errors.ts'
export type { FloatArray, NamedArray, ShapedArray } from '../numerics/tensor.ts'
export { type AugmentOptions, augmentImages } from './augment.ts'
export { type BatchesOptions, type BatchOf, batches, type IterableBatches } from './batches.ts'
export type { TableRows } from './cells.ts'
export {
  type CsvOptions,
  type Labels,
  labelColumn,
  numberColumns,
  oneHotColumn,
  parseCsv,
  textColumn,
} from './csv.ts'
export { type GunzipOptions, gunzip, parseIdx } from './idx.ts'
export { type Drawable, type ImageOptions, imageTensor, type Pixels } from './image.ts'
export { parseNpy, saveNpy } from './npy.ts'
export { argmax, rows, type Scored, topK } from './predictions.ts'
export { gatherRows, type NamedRows, type RowData, type Rows } from './rows.ts'
export {
  type Fold,
  type FoldOptions,
  kFold,
  type Parts,
  type Split,
  type SplitOptions,
  type Strata,
  trainTestSplit,
} from './split.ts'
export type { Table } from './table.ts'
export {
  type ColumnKind,
  loadTableFeatures,
  type TableFeatures,
  type TableFeaturesOptions,
  tableFeatures,
} from './table-features.ts'
export {
  loadTextVectorizer,
  type TextVectorizer,
  type TextVectorizerOptions,
  textVectorizer,
} from './text-vectorizer.ts'
export { type WindowsOptions, windows } from './windows.ts'
