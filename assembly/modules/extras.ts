// The module of what a plain net does without: rare losses, maxima and minima, penalties, metrics, clipping, integers
// as floats. In the order of its
// codes, which are places in the function table: kernels of the core call the first three.
import { clipNorm, clipValue } from '../kernels/clip'
import { convert } from '../kernels/convert'
import { rareLoss, rareLossGrad } from '../kernels/loss-rare'
import { metric } from '../kernels/metric'
import { penalty, penaltyGrad } from '../kernels/penalty'
import { extremes } from '../kernels/reduce-extremes'

export { ABI_VERSION } from '../abi'

type Kernel = (operands: usize) => void

// lists take places from the module's first on, one after the other (scripts/static.mjs)
const LOSS: StaticArray<(q: usize, from: i32, end: i32) => f64> = [rareLoss]
const LOSS_GRAD: StaticArray<(dst: usize, q: usize, c: f64, from: i32, end: i32) => void> = [rareLossGrad]
const EXTREMES: StaticArray<
  (fn: i32, dst: usize, src: usize, outer: i32, count: i32, inner: i32, from: i32, to: i32) => void
> = [extremes]
const kernels: StaticArray<Kernel> = [penalty, penaltyGrad, metric, clipValue, clipNorm, convert]

/** Function table index of function `i`; -1 behind the last. */
export function kernelAt(i: i32): i32 {
  if (i == 0) return unchecked(LOSS[0]).index
  if (i == 1) return unchecked(LOSS_GRAD[0]).index
  if (i == 2) return unchecked(EXTREMES[0]).index
  i -= 3
  return i < kernels.length ? unchecked(kernels[0]).index + i : -1
}
