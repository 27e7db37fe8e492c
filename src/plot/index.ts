// Pictures of a training, as SVG text, and what follows one in a page. Everything a program imports from `lanegrad/plot`.
export type { ProgressCallback } from '../callbacks/pace.ts'
export {
  type ConfusionOptions,
  type HistogramOptions,
  type ImagesOptions,
  plotConfusion,
  plotHistogram,
  plotImages,
} from './cells.ts'
export { type CurveOptions, type Curves, plotHistory } from './curves.ts'
export { livePlot, progress } from './live.ts'
