// The variational autoencoder (Kingma and Welling 2014), which draws its codes from normal distributions whose mean and variance
// its encoder gives, and the linear autoencoder beside it.

import {
  adam,
  binaryCrossentropy,
  cosineDecay,
  customLayer,
  dense,
  type GraphLoss,
  gaussianNoise,
  graphLoss,
  input,
  model,
  part,
  type Symbolic,
} from 'lanegrad'
import { workers } from 'lanegrad/threads'

/** Numbers of a code: the axes of a plane. */
export const CODE_SIZE = 2

export interface Sizes {
  pixelCount: number
  units: number
  learningRate: number
  /** steps of the whole training, over which the learning rate sinks to 0 */
  steps: number
  seed: number
}

const zeros = customLayer({ kind: 'zeros', build: ({ g }, [like]) => g.scale(like, 0) })

/** mean + exp(logVar / 2) noise: the code as a function of both and of noise that depends on neither, so that it has gradients. */
const drawn = customLayer({
  kind: 'drawn',
  build: ({ g }, [mean, logVar, noise]) => g.plus(mean, g.times(g.unary('exp', g.scale(logVar, 0.5)), noise)),
})

/**
 * The divergence of N(mean, exp(logVar)) from N(0, 1): 0.5 (mean^2 + exp(logVar) - logVar - 1) for each number of the code. The
 * cross-entropy beside it is a mean over pixels, so this is made a share of them, too: the sum of both is per pixel.
 */
const divergence = (pixelCount: number) =>
  graphLoss(
    'divergence',
    (g, net) => {
      const [mean, logVar] = [net.layer('mean'), net.layer('logVar')]
      const terms = g.minus(g.minus(g.plus(g.times(mean, mean), g.unary('exp', logVar)), logVar), 1)
      return g.scale(terms, 0.5)
    },
    { weight: CODE_SIZE / pixelCount },
  )

function compiled(
  x: Symbolic,
  picture: Symbolic,
  { learningRate, steps, seed }: Sizes,
  addedLosses: GraphLoss[],
) {
  const net = model({ inputs: x, outputs: picture, seed, threads: workers() })
  const optimizer = adam({ learningRate, schedule: cosineDecay({ steps }) })
  return net.compile({ optimizer, loss: binaryCrossentropy(), addedLosses })
}

/** The whole net, and its halves over the same weights: the encoder gives mean and logVar, the decoder takes the code. */
export function variational(sizes: Sizes) {
  const { pixelCount, units } = sizes
  const x = input({ shape: [pixelCount] })
  const hidden = dense({ units, activation: 'relu' })(x)
  const mean = dense({ units: CODE_SIZE, name: 'mean' })(hidden)
  const logVar = dense({ units: CODE_SIZE, name: 'logVar' })(hidden)
  const noise = gaussianNoise({ stddev: 1 })(zeros()(mean))
  const code = drawn()([mean, logVar, noise])
  const picture = dense({ units: pixelCount, activation: 'sigmoid', name: 'picture' })(
    dense({ units, activation: 'relu' })(code),
  )
  const whole = compiled(x, picture, sizes, [divergence(pixelCount)])
  const encoder = part(whole, { inputs: x, outputs: [mean, logVar] })
  const decoder = part(whole, { inputs: code, outputs: picture })
  return { whole, encoder, decoder }
}

/** Without hidden layers and without noise: the best that a picture's logits can be as a linear function of as many numbers. */
export function linear(sizes: Sizes) {
  const x = input({ shape: [sizes.pixelCount] })
  const code = dense({ units: CODE_SIZE })(x)
  return compiled(x, dense({ units: sizes.pixelCount, activation: 'sigmoid' })(code), sizes, [])
}
