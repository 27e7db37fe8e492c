// The module of what a plain net does without: rare losses, penalties, metrics, clipping, integers as floats,
// functions of two arrays, copies, the gradient of softmax behind no cross-entropy, rmsprop. In the order of its codes, which are places in
// the function table: kernels of the core call the first two.
import { binary } from '../kernels/binary'
import { clipNorm, clipValue } from '../kernels/clip'
import { convert } from '../kernels/convert'
import { copy } from '../kernels/copy'
import { rareLoss, rareLossGrad } from '../kernels/loss-rare'
import { metric } from '../kernels/metric'
import { rmsprop } from '../kernels/optimizer-rmsprop'
import { penalty, penaltyGrad } from '../kernels/penalty'
import { softmaxGrad } from '../kernels/softmax-grad'

export { ABI_VERSION } from '../abi'

type Kernel = (operands: usize) => void

// lists take places from the module's first on, one after the other (scripts/static.mjs)
const LOSS: StaticArray<(q: usize, from: i32, end: i32) => f64> = [rareLoss]
const LOSS_GRAD: StaticArray<(dst: usize, q: usize, c: f64, from: i32, end: i32) => void> = [rareLossGrad]
const kernels: StaticArray<Kernel> = [penalty, penaltyGrad, metric, clipValue, clipNorm, convert, binary, copy, softmaxGrad, rmsprop]

/** Function table index of function `i`; -1 behind the last. */
export function kernelAt(i: i32): i32 {
  if (i == 0) return unchecked(LOSS[0]).index
  if (i == 1) return unchecked(LOSS_GRAD[0]).index
  i -= 2
  return i < kernels.length ? unchecked(kernels[0]).index + i : -1
}
