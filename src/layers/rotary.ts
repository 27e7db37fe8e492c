// Rotary positions (Su et al. 2021): pairs of channels are turned by angles that grow with the step.
import * as ops from '../graph/operations.ts'
import { BOOLEAN, fail, POSITIVE } from '../numerics/errors.ts'
import { cos, pow, sin } from '../numerics/exact.ts'
import { type Layer, type LayerKind, type LayerOptions, makeLayer, readLayer } from './layer.ts'
import { channelsOf, inputOfAxes } from './options.ts'

/** Options of `rotaryEmbedding`. */
export interface RotaryEmbeddingOptions extends LayerOptions {
  /** The base of the wavelengths: pair i of n turns by step / maxWavelength^(i / n) radians. Default 10000. */
  readonly maxWavelength?: number
  /** Steps are divided by this, for sequences longer than those of training. Default 1. */
  readonly scalingFactor?: number
  /**
   * Which channels are a pair. false: i and i + n, the halves beside each other, as in KerasHub, GPT-NeoX and Llama's files at
   * Hugging Face; true: 2i and 2i + 1, as in the paper and in Llama's own files. Default false.
   */
  readonly interleaved?: boolean
}

const readRotary = (options: object) =>
  readLayer('rotaryEmbedding', options, {
    maxWavelength: [POSITIVE, 10000],
    scalingFactor: [POSITIVE, 1],
    interleaved: [BOOLEAN, false],
  })

export const rotaryEmbeddingKind: LayerKind<ReturnType<typeof readRotary>> = {
  kind: 'rotaryEmbedding',
  read: readRotary,
  build({ g }, inputs, { maxWavelength, scalingFactor, interleaved }) {
    const x = inputOfAxes(inputs, '[batch, steps, ..., channels]')
    const [batch, steps, ...rest] = x.shape
    const channels = channelsOf(x)
    if (x.shape.length < 3 || channels % 2 !== 0) fail(`${channels} channels can't be turned in pairs`)
    const pairs = channels / 2
    rest.pop()
    const axis = x.shape.length - (interleaved ? 0 : 1) // that of the two of a pair
    const inPairs = (lead: readonly number[], two: number) =>
      interleaved ? [...lead, pairs, two] : [...lead, two, pairs]
    const table = (f: (angle: number) => number) => {
      const data = Float32Array.from({ length: steps * pairs }, (_, at) =>
        f(Math.floor(at / pairs) / scalingFactor / pow(maxWavelength, (at % pairs) / pairs)),
      )
      return g.constant(data, inPairs([steps, ...rest.map(() => 1)], 1))
    }
    const split = ops.reshape(g, x, inPairs([batch, steps, ...rest], 2))
    const [first, second] = [0, 1].map((start) => ops.slice(g, split, axis, start, 1))
    const crossed = ops.concatenate(g, [ops.scale(g, second, -1), first], axis)
    const turned = ops.plus(g, ops.times(g, split, table(cos)), ops.times(g, crossed, table(sin)))
    return ops.reshape(g, turned, x.shape)
  },
}

/**
 * Rotary positions: [batch, steps, ..., channels] to the same shape, channels in pairs (a, b) that become
 * (a cos t - b sin t, b cos t + a sin t). It has no weights. Given to an attention layer as `rotary`, it turns queries and keys
 * of each head, so that their products depend on the distance of the steps alone.
 * @throws LanegradError on an unknown or bad option; when the model is made, for an odd number of channels
 * @example
 * ```js
 * import { rotaryEmbedding, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2, 2], layers: [rotaryEmbedding()] })
 * const { data } = model.predict([[[1, 0], [1, 0]]])
 * console.log([...data].map((value) => value.toFixed(4)).join(' ')) // 1.0000 0.0000 0.5403 0.8415
 * ```
 */
export const rotaryEmbedding = (options: RotaryEmbeddingOptions = {}): Layer =>
  makeLayer(rotaryEmbeddingKind, options)
