// The siamese network (Bromley et al. 1993): one trunk, called twice, gives each of two pictures a place on a sphere.

import {
  activation,
  adam,
  batchNormalization,
  concatenate,
  conv2d,
  cosineDecay,
  customLoss,
  flatten,
  input,
  model,
  part,
  sequential,
  unitNormalization,
} from 'lanegrad'
import { workers } from 'lanegrad/threads'
import { convolution } from '../shared/convolution.ts'

/** What a cosine of 1 counts in the loss: the larger, the more it asks of pictures that are nearly mistaken. */
const SHARPNESS = 15

/**
 * The contrastive loss of many pairs at once (Sohn 2016): each first picture is to lie nearer to its partner than to the partners
 * of all other pairs. `isPartner`: [pairs, pairs], 1 on the diagonal; `places`: those of the first pictures beside their partners'.
 */
const contrastive = (pairCount: number) =>
  customLoss(
    'contrastive',
    (g, isPartner, places) => {
      const size = places.shape[1] / 2
      const [first, partner] = [0, size].map((start) => g.slice(places, 1, start, size))
      const cosines = g.matmul(first, partner, { transposeB: true })
      const logProbabilities = g.softmax(g.scale(cosines, SHARPNESS), true)
      return g.scale(g.sum(g.times(isPartner, logProbabilities), [1]), -1)
    },
    { truthShape: [pairCount] },
  )

export interface Sizes {
  rowCount: number
  columnCount: number
  /** pairs of a step */
  pairCount: number
  /** of the first step; it sinks to 0 over so many */
  learningRate: number
  stepCount: number
  seed: number
}

/** The network of pairs, and the trunk alone, over the same weights. */
export function siamese({ rowCount, columnCount, pairCount, learningRate, stepCount, seed }: Sizes) {
  const shape = [rowCount, columnCount, 1]
  const trunk = sequential({
    inputShape: shape,
    layers: [
      ...convolution(12),
      ...convolution(24),
      conv2d({ filters: 48, kernelSize: 3, useBias: false }),
      batchNormalization({ momentum: 0.9 }),
      activation({ activation: 'relu' }),
      flatten(),
      unitNormalization(),
    ],
    name: 'trunk',
    seed,
  })
  const [one, other] = ['one', 'other'].map((name) => input({ shape, name }))
  const place = trunk(one)
  const pairs = model({
    inputs: [one, other],
    outputs: concatenate()([place, trunk(other)]),
    threads: workers(),
  })
  const schedule = cosineDecay({ steps: stepCount })
  pairs.compile({ optimizer: adam({ learningRate, schedule }), loss: contrastive(pairCount) })
  return { pairs, placed: part(pairs, { inputs: one, outputs: place }) }
}
