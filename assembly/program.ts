// Walks a program: fetch an instruction, call its kernel through the function table, go on behind it.
// Kernels are only ever called from here, indirectly: so the optimizer can't inline them into the loop, where
// an engine would not replace the running loop by its optimized version.
import { binary } from './kernels/binary'
import { clipNorm, clipValue } from './kernels/clip'
import { copy } from './kernels/copy'
import { matmul } from './kernels/gemm'
import { loss, lossGrad } from './kernels/loss'
import { metric } from './kernels/metric'
import { update } from './kernels/optimizer'
import { penalty, penaltyGrad } from './kernels/penalty'
import { reduce } from './kernels/reduce'
import { softmax, softmaxGrad } from './kernels/softmax'
import { unary, unaryGrad } from './kernels/unary'

type Kernel = (operands: usize) => void

/** In the order of the OP_* codes of abi.ts. */
const kernels: StaticArray<Kernel> = [
  matmul,
  unary,
  unaryGrad,
  binary,
  reduce,
  copy,
  softmax,
  softmaxGrad,
  loss,
  lossGrad,
  penalty,
  penaltyGrad,
  metric,
  clipValue,
  clipNorm,
  update,
]

/** The number of kernels; the engine compares it with OP_COUNT when it loads the module. */
export function kernelCount(): i32 {
  return kernels.length
}

/** Runs the instructions from address `from` up to address `to`. */
export function run(from: usize, to: usize): void {
  while (from < to) {
    const word = load<u32>(from)
    const kernel = unchecked(kernels[word & 0xffff])
    kernel(from + 4)
    from += <usize>(word >> 16) << 2
  }
}
