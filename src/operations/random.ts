// Random numbers as an operation: new ones at every training step, the same for the same seed, stream and step on
// every machine. What dropout and noise are made of.
import * as abi from '../../assembly/abi.ts'
import bytes from '../../build/random.wasm'
import type { Kernel, KernelModule } from '../graph/kernel.ts'
import type { Shape } from '../graph/value.ts'
import { elementCount } from '../numerics/tensor.ts'
import { f32 } from '../numerics/words.ts'

const randomModule: KernelModule = {
  name: 'random',
  bytes,
  codes: [abi.OP_RANDOM, abi.OP_RANDOM_END],
}

export interface RandomAttributes {
  readonly shape: Shape
  /** RANDOM_*: uniform in [0, 1), kept-or-dropped (1 / (1 - p) or 0), normal with standard deviation `param`. */
  readonly kind: number
  readonly param: number
  /** Of the model. */
  readonly seed: number
  readonly stream: number
}

/** No inputs; an array of random numbers. */
export const random: Kernel<RandomAttributes> = {
  name: 'random',
  module: randomModule,
  code: abi.OP_RANDOM,
  shapes: (_, { shape }) => [shape],
  words: ({ output, attributes: { kind, param, seed, stream } }, at) => [
    at.of(output),
    elementCount(output.shape),
    kind,
    f32(param),
    at.header,
    seed | 0,
    Math.floor(seed / 0x100000000),
    stream | 0,
  ],
}
