// Stochastic depth (Huang et al. 2016): in training the whole branch of a residual network is left out at random.
import { RANDOM_BERNOULLI } from '../../assembly/abi.ts'
import * as ops from '../graph/operations.ts'
import { oneOf, SHARE } from '../numerics/errors.ts'
import { type Layer, type LayerKind, makeLayer, readLayer } from './layer.ts'
import { drawn, type RateOptions } from './noise.ts'
import { singleInput } from './options.ts'

/** Options of `stochasticDepth`. */
export interface StochasticDepthOptions extends RateOptions {
  /** 'row': each sample of the batch is left out by itself; 'batch': all or none. Default 'row'. */
  readonly mode?: 'row' | 'batch'
}

const readStochasticDepth = (options: object) =>
  readLayer('stochasticDepth', options, { rate: SHARE, mode: [oneOf('row', 'batch'), 'row'] }, ['seed'])

export const stochasticDepthKind: LayerKind<ReturnType<typeof readStochasticDepth>> = {
  kind: 'stochasticDepth',
  read: readStochasticDepth,
  build(context, inputs, { rate, mode }) {
    const x = singleInput(inputs)
    if (!context.training || rate === 0) return x
    const shape = x.shape.map((n, axis) => (axis === 0 && mode === 'row' ? n : 1))
    return ops.times(context.g, x, drawn(context, shape, RANDOM_BERNOULLI, rate))
  },
}

/**
 * Stochastic depth, for the branch of a residual connection: in training a sample (or the batch) becomes 0 with probability
 * `rate`, else it is multiplied by 1 / (1 - rate), as torchvision's `StochasticDepth` does; in prediction nothing changes.
 * @throws LanegradError on an unknown option, or a rate that is negative or 1 or more
 * @example
 * ```js
 * import { add, dense, input, model, stochasticDepth } from 'lanegrad'
 *
 * const x = input({ shape: [8] })
 * const branch = stochasticDepth({ rate: 0.2 })(dense({ units: 8, activation: 'relu' })(x))
 * const net = model({ inputs: x, outputs: add()(x, branch) })
 * console.log(net.predict(new Float32Array(8)).shape) // [ 1, 8 ]
 * ```
 */
export const stochasticDepth = (options: StochasticDepthOptions): Layer =>
  makeLayer(stochasticDepthKind, options)
