// The net of the page, frozen: what tells two classes of points in the plane apart. This file runs when the page is built; the
// page has its programs alone.
import { adam, dense, sequential } from 'lanegrad'
import { freeze } from 'lanegrad/freeze'
import { CELLS, POINTS } from './sizes.ts'

export function frozenNet(): Uint8Array {
  const model = sequential({
    inputShape: [2],
    seed: 3,
    layers: [
      dense({ units: 16, activation: 'tanh' }),
      dense({ units: 12, activation: 'tanh' }),
      dense({ units: 1, activation: 'sigmoid' }),
    ],
  })
  model.compile({ optimizer: adam({ learningRate: 0.02 }), loss: 'binaryCrossentropy' })
  return freeze(model, { train: [POINTS], predict: [CELLS] })
}
