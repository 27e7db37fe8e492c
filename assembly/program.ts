// Walks a program: fetch an instruction, call its kernel through the function table, go on behind it.
// Kernels are only ever called from here, indirectly: so the optimizer can't inline them into the loop, where
// an engine would not replace the running loop by its optimized version.
import { loss, lossGrad } from './kernels/loss'
import { matmul } from './kernels/matmul'
import { update } from './kernels/optimizer'
import { reduce } from './kernels/reduce'
import { softmax } from './kernels/softmax'
import { unary, unaryGrad } from './kernels/unary'

type Kernel = (operands: usize) => void

/**
 * In the order of the OP_* codes of abi.ts. Functions come in this order in the binary: matmul's last, next to the relaxed
 * ones in the bundle, so that gzip sees how alike they are.
 */
const kernels: StaticArray<Kernel> = [
  unary,
  unaryGrad,
  reduce,
  softmax,
  loss,
  lossGrad,
  update,
  matmul,
]

/** Function table index of kernel `i` of this module; -1 behind the last. */
export function kernelAt(i: i32): i32 {
  return i < kernels.length ? unchecked(kernels[0]).index + i : -1
}

/** Runs the instructions from address `from` up to address `to`. */
export function run(from: usize, to: usize): void {
  while (from < to) {
    const word = load<u32>(from)
    call_indirect<void>(word & 0xffff, from + 4)
    from += <usize>(word >> 16) << 2
  }
}
