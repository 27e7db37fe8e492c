// What the examples with pictures share: the layers of a convolution, and samples as a data set.
//
// In:  a number of filters; samples as `idx.ts` reads them. Out: layers; x and y.

import { activation, batchNormalization, conv2d, type Layer, maxPooling2d } from 'lanegrad'
import type { SampleSet } from './idx.ts'

/** A convolution, the largest of each 2 x 2 of its outputs, normalized over the batch, and cut off below 0. */
export const convolution = (filters: number): Layer[] => [
  conv2d({ filters, kernelSize: 3, useBias: false }), // the normalization has a bias
  maxPooling2d(),
  batchNormalization({ momentum: 0.9 }), // training is short: the moving statistics must follow soon
  activation({ activation: 'relu' }),
]

/** Images [n, rows, columns, 1 channel] and their labels [n]. */
export const asDataset = ({ images, labels, rowCount, columnCount }: SampleSet) => ({
  x: { shape: [labels.data.length, rowCount, columnCount, 1], data: images.data },
  y: labels,
})
