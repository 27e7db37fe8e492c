// The siamese network (Bromley et al. 1993): one trunk, called twice, gives each of two pictures a place on a sphere, and the
// network gives the square of their distance.

import {
  adam,
  conv2d,
  customLayer,
  customLoss,
  dense,
  flatten,
  input,
  maxPooling2d,
  model,
  part,
  sequential,
  unitNormalization,
} from 'lanegrad'
import { workers } from 'lanegrad/threads'

const MARGIN = 1

const squareDistance = customLayer({
  kind: 'squareDistance',
  build({ g }, [a, b]) {
    const difference = g.minus(a, b)
    return g.sum(g.times(difference, difference), [1], true)
  },
})

/** same d^2 + (1 - same) max(0, margin - d)^2 (Hadsell, Chopra and LeCun 2006): pairs of a kind come together, others part. */
const contrastive = customLoss('contrastive', (g, same, square) => {
  const distance = g.unary('sqrt', g.plus(square, 1e-6)) // whose slope at 0 would be infinite
  const gap = g.unary('relu', g.minus(MARGIN, distance))
  return g.plus(g.times(same, square), g.times(g.minus(1, same), g.times(gap, gap)))
})

export interface Sizes {
  rowCount: number
  columnCount: number
  learningRate: number
  seed: number
}

/** Numbers of a place. */
export const PLACE_SIZE = 64

/** The network of pairs, and the trunk alone, over the same weights. */
export function siamese({ rowCount, columnCount, learningRate, seed }: Sizes) {
  const shape = [rowCount, columnCount, 1]
  const trunk = sequential({
    inputShape: shape,
    layers: [
      conv2d({ filters: 8, kernelSize: 5, activation: 'relu' }),
      maxPooling2d({ poolSize: 2 }),
      conv2d({ filters: 16, kernelSize: 5, activation: 'relu' }),
      maxPooling2d({ poolSize: 2 }),
      flatten(),
      dense({ units: PLACE_SIZE }),
      unitNormalization(),
    ],
    name: 'trunk',
    seed,
  })
  const [one, other] = ['one', 'other'].map((name) => input({ shape, name }))
  const place = trunk(one)
  const pairs = model({
    inputs: [one, other],
    outputs: squareDistance()([place, trunk(other)]),
    threads: workers(),
  })
  pairs.compile({ optimizer: adam({ learningRate }), loss: contrastive })
  return { pairs, placed: part(pairs, { inputs: one, outputs: place }) }
}
