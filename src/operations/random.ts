// Operations of random numbers, for dropout and noise: new numbers at every training step, the same for the same seed, stream
// and step on every machine.
import * as abi from '../../assembly/abi.ts'
import { randomModule } from '../binaries/random.ts'
import type { Addresses, Kernel } from '../graph/kernel.ts'
import type { Value } from '../graph/value.ts'
import type { Shape } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'
import { f32, listed } from '../numerics/words.ts'

export interface DrawAttributes {
  /** RANDOM_*: uniform in [0, 1), kept-or-dropped (1 / (1 - p) or 0), normal with standard deviation `param`. */
  readonly kind: number
  readonly param: number
  /** The seed of the model. */
  readonly seed: number
  readonly stream: number
}

export interface RandomAttributes extends DrawAttributes {
  readonly shape: Shape
}

const drawWords = ({ shape }: Value, { kind, param, seed, stream }: DrawAttributes, at: Addresses) =>
  listed({
    [abi.DRAW_COUNT]: elementCount(shape),
    [abi.DRAW_KIND]: kind,
    [abi.DRAW_PARAM]: f32(param),
    [abi.DRAW_ARENA]: at.header,
    [abi.DRAW_SEED_LOW]: seed | 0,
    [abi.DRAW_SEED_HIGH]: Math.floor(seed / 0x100000000),
    [abi.DRAW_STREAM]: stream | 0,
  })

/** No inputs; an array of random numbers. */
export const random: Kernel<RandomAttributes> = {
  name: 'random',
  module: randomModule,
  code: abi.OP_RANDOM,
  shapes: (_, { shape }) => [shape],
  words: ({ output, attributes }, at) => ({
    [abi.RANDOM_DST]: output,
    [abi.RANDOM_DRAW]: drawWords(output, attributes, at),
  }),
}

/**
 * x times noise of mean 1: RANDOM_BERNOULLI's factors, or 1 + RANDOM_NORMAL. The noise isn't stored: the gradient draws the same
 * numbers again.
 */
export const dropout: Kernel<DrawAttributes> = {
  name: 'dropout',
  module: randomModule,
  code: abi.OP_DROPOUT,
  words: ({ output, inputs: [x], attributes }, at) => ({
    [abi.DROPOUT_DST]: output,
    [abi.DROPOUT_SRC]: x,
    [abi.DROPOUT_DRAW]: drawWords(output, attributes, at),
  }),
  reuses: [0],
  gradient: (g, { attributes }, dy) => g.add(dropout, [dy], attributes),
}
