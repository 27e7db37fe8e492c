// The walk over the steps of a sequence that all recurrent kernels share: the recurrent products, the states, masks,
// and the order of time. Each kind of cell gives it a function for one row (one sample at one step).
// In: the input products of all steps. A cell has `parts` gates (or one) of `u` columns in them, batch-major:
//   xz [B, T, parts u]   y [B, T, u] or [B, u]   mask [B, T]   gates [B, T, saved u]   before [B, T, u]
// and the states h, c [B, u], which hold the initial state first and the last one in the end.
// Saved for the way back: the activated gates, and the states before each step, at the place of the step in x; only
// y is in the order of reading. A step that the mask leaves out keeps its sample's states.
// Over threads, a part is a range of samples through all steps: rows know nothing of each other.
// Float64 reference: test/reference/kernels/recurrent.ts
import {
  HEADER_MATMUL, MATMUL_A, MATMUL_ACCUMULATE, MATMUL_ALPHA, MATMUL_B, MATMUL_BIAS, MATMUL_C, MATMUL_FLAGS, MATMUL_FN,
  MATMUL_K, MATMUL_M, MATMUL_N, MATMUL_PART_SHIFT, MATMUL_SCRATCH, MATMUL_TRANSPOSE_B, PRODUCT_BYTES, RECURRENT_ARENA,
  RECURRENT_BATCH, RECURRENT_BEFORE, RECURRENT_BIAS, RECURRENT_C, RECURRENT_C0, RECURRENT_FLAGS, RECURRENT_H,
  RECURRENT_H0, RECURRENT_MASK, RECURRENT_REVERSE, RECURRENT_SAVED, RECURRENT_SCRATCH, RECURRENT_SEQUENCE,
  RECURRENT_STATE, RECURRENT_STEPS, RECURRENT_U, RECURRENT_U2, RECURRENT_UNITS, RECURRENT_XZ, RECURRENT_Y,
} from '../abi'
import { storeTail } from '../lanes'
import { sigmoid, tanh } from '../math'
import { scratchOf, split, threadCount } from '../parallel'

// Scratch: operands of the matmul, then rows [B, width u] of the product, then (with a second product) its left side
// and its result [B, u] each, then the matmul's own. The other parts use only the operands of their scratch, and take their
// rows from the scratch of the first part.

/** Address of row `row` of the operand at `word`, rows of `width` u floats. */
export function rowOf(p: usize, word: usize, row: i32, width: i32): usize {
  return <usize>load<u32>(p + word) + (<usize>(row * width * load<i32>(p, RECURRENT_UNITS)) << 2)
}

/** Address of row b of the product. */
export function productRow(p: usize, b: i32, width: i32): usize {
  return rowOf(p, RECURRENT_SCRATCH, b, width) + PRODUCT_BYTES
}

/** The left side (part 0) or the result (part 1) of the second product; `width` is that of the first product. */
export function secondRow(p: usize, b: i32, width: i32, part: i32): usize {
  return productRow(p, load<i32>(p, RECURRENT_BATCH) * (width + part) + b, 1)
}

// The functions of gates, a row at a time: in loops as short as these the processor works on several turns at once; with
// all of a cell's functions in one turn it waits for the last of them.

/** dst = sigmoid(x + z) */
export function sigmoids(dst: usize, x: usize, z: usize, count: i32): void {
  const whole = <usize>(count >> 2) << 4
  for (let o: usize = 0; o < whole; o += 16) v128.store(dst + o, sigmoid(f32x4.add(v128.load(x + o), v128.load(z + o))))
  if (count & 3) storeTail(dst + whole, sigmoid(f32x4.add(v128.load(x + whole), v128.load(z + whole))), count & 3)
}

/** dst = tanh(x + z) */
export function tanhs(dst: usize, x: usize, z: usize, count: i32): void {
  const whole = <usize>(count >> 2) << 4
  for (let o: usize = 0; o < whole; o += 16) v128.store(dst + o, tanh(f32x4.add(v128.load(x + o), v128.load(z + o))))
  if (count & 3) storeTail(dst + whole, tanh(f32x4.add(v128.load(x + whole), v128.load(z + whole))), count & 3)
}

function move(dst: usize, src: usize, count: i32): void {
  const whole = <usize>(count >> 2) << 4
  for (let o: usize = 0; o < whole; o += 16) v128.store(dst + o, v128.load(src + o))
  if (count & 3) storeTail(dst + whole, v128.load(src + whole), count & 3)
}

function addTo(dst: usize, src: usize, count: i32): void {
  const whole = <usize>(count >> 2) << 4
  for (let o: usize = 0; o < whole; o += 16) v128.store(dst + o, f32x4.add(v128.load(dst + o), v128.load(src + o)))
  if (count & 3) storeTail(dst + whole, f32x4.add(v128.load(dst + whole), v128.load(src + whole)), count & 3)
}

/** A state's first value: a copy of what is at `word`, or 0; of `rows` rows from `row` on. */
function start(p: usize, state: usize, word: usize, row: i32, rows: i32): void {
  if (!load<u32>(p + state)) return
  const dst = rowOf(p, state, row, 1), bytes = <usize>(rows * load<i32>(p, RECURRENT_UNITS)) << 2
  if (load<u32>(p + word)) memory.copy(dst, rowOf(p, word, row, 1), bytes)
  else memory.fill(dst, 0, bytes)
}

function counts(p: usize, at: i32): bool {
  const mask = <usize>load<u32>(p, RECURRENT_MASK)
  return !mask || load<f32>(mask + (<usize>at << 2)) != 0
}

/** c [rows, cols] = or += a [rows, depth] . op(b) [+ bias], by the core's matmul; `spread`: see `forward`. */
function product(
  p: usize, part: i32, c: usize, a: usize, b: usize, bias: u32, rows: i32, cols: i32, depth: i32, flags: i32, spread: i32,
): void {
  const words = scratchOf(<usize>load<u32>(p, RECURRENT_SCRATCH), part)
  store<u32>(words, <u32>c, MATMUL_C)
  store<u32>(words, <u32>a, MATMUL_A)
  store<u32>(words, <u32>b, MATMUL_B)
  store<u32>(words, bias, MATMUL_BIAS)
  store<i32>(words, rows, MATMUL_M)
  store<i32>(words, cols, MATMUL_N)
  store<i32>(words, depth, MATMUL_K)
  store<i32>(words, flags | part << MATMUL_PART_SHIFT, MATMUL_FLAGS)
  store<i32>(words, 0, MATMUL_FN)
  store<i32>(words, 0, MATMUL_ALPHA)
  store<u32>(words, <u32>productRow(p, load<i32>(p, RECURRENT_BATCH), spread), MATMUL_SCRATCH)
  call_indirect<void>(load<u32>(load<u32>(p, RECURRENT_ARENA), HEADER_MATMUL), words)
}

/**
 * Runs all steps of the kernel with those operands, split by samples: by whole tiles of a product's rows, where there are
 * enough. A single sample's products may still be split.
 */
export function walk(kernel: u32, p: usize, width: i32): void {
  const B = load<i32>(p, RECURRENT_BATCH), u = <f64>load<i32>(p, RECURRENT_UNITS)
  const unit = B < 8 * threadCount() ? 1 : 4
  split(kernel, p, B, unit, B > 1 ? <f64>load<i32>(p, RECURRENT_STEPS) * u * u * <f64>width : -1)
}

/**
 * The product h . U of each step goes to `productRow`, then `row` of each sample makes gates and states. A cell with a
 * `second` product leaves its left side in part 0 of `secondRow` and finds the product in part 1.
 */
export function forward(p: usize, from: i32, end: i32, part: i32, width: i32, row: u32, second: u32): void {
  const T = load<i32>(p, RECURRENT_STEPS), u = load<i32>(p, RECURRENT_UNITS), flags = load<i32>(p, RECURRENT_FLAGS)
  const rows = end - from
  const h = rowOf(p, RECURRENT_H, from, 1), c = <usize>load<u32>(p, RECURRENT_C)
  const spread = width + (second ? 2 : 0)
  start(p, RECURRENT_H, RECURRENT_H0, from, rows)
  start(p, RECURRENT_C, RECURRENT_C0, from, rows)
  for (let s = 0; s < T; s++) {
    const t = flags & RECURRENT_REVERSE ? T - 1 - s : s
    const dst = productRow(p, from, width), kernel = load<u32>(p, RECURRENT_U)
    product(p, part, dst, h, kernel, load<u32>(p, RECURRENT_BIAS), rows, width * u, u, 0, spread)
    for (let b = from; b < end; b++) {
      const at = b * T + t
      move(rowOf(p, RECURRENT_BEFORE, at, 1), rowOf(p, RECURRENT_H, b, 1), u)
      if (c) move(rowOf(p, RECURRENT_SAVED, at, 1), rowOf(p, RECURRENT_C, b, 1), u)
      if (counts(p, at)) call_indirect<void>(row, p, at, b)
      else if (second) memory.fill(rowOf(p, RECURRENT_SAVED, at, 1), 0, <usize>u << 2) // a factor of the gradient of U2
    }
    if (second) {
      const left = secondRow(p, from, width, 0)
      product(p, part, secondRow(p, from, width, 1), left, load<u32>(p, RECURRENT_U2), 0, rows, u, u, 0, spread)
      for (let b = from; b < end; b++) if (counts(p, b * T + t)) call_indirect<void>(second, p, b * T + t, b)
    }
    if (!(flags & RECURRENT_SEQUENCE)) continue
    for (let b = from; b < end; b++) move(rowOf(p, RECURRENT_Y, b * T + s, 1), rowOf(p, RECURRENT_H, b, 1), u)
  }
  if (!(flags & RECURRENT_SEQUENCE)) memory.copy(rowOf(p, RECURRENT_Y, from, 1), h, <usize>(rows * u) << 2)
}

/**
 * From the last step to the first. dh (and dc) hold what reaches the state behind the step; `row` writes the gradient
 * of the gates to dxz (and dhz) and leaves in dh what passes by the product, which then adds dz . U^T. A cell with a
 * second product: as in `forward`, transposed.
 */
export function backward(
  p: usize, from: i32, end: i32, part: i32, gates: i32, width: i32, row: u32, second: u32,
): void {
  const T = load<i32>(p, RECURRENT_STEPS), u = load<i32>(p, RECURRENT_UNITS), flags = load<i32>(p, RECURRENT_FLAGS)
  const rows = end - from
  const dy = load<u32>(p, RECURRENT_XZ), dhz = load<u32>(p, RECURRENT_BIAS)
  const isSequence = (flags & RECURRENT_SEQUENCE) != 0
  const spread = width + (second ? 2 : 0)
  start(p, RECURRENT_H, RECURRENT_H0, from, rows)
  start(p, RECURRENT_C, RECURRENT_C0, from, rows)
  for (let s = T - 1; s >= 0; s--) {
    const t = flags & RECURRENT_REVERSE ? T - 1 - s : s
    for (let b = from; b < end; b++) {
      const at = b * T + t
      const given = isSequence ? b * T + s : b
      if (dy && (isSequence || s == T - 1)) addTo(rowOf(p, RECURRENT_H, b, 1), rowOf(p, RECURRENT_XZ, given, 1), u)
      if (counts(p, at)) call_indirect<void>(row, p, at, b)
      else {
        memory.fill(rowOf(p, RECURRENT_Y, at, gates), 0, <usize>(gates * u) << 2)
        if (dhz) memory.fill(rowOf(p, RECURRENT_BIAS, at, width), 0, <usize>(width * u) << 2)
      }
    }
    if (second) {
      const left = secondRow(p, from, width, 0), result = secondRow(p, from, width, 1)
      product(p, part, result, left, load<u32>(p, RECURRENT_U2), 0, rows, u, u, MATMUL_TRANSPOSE_B, spread)
      for (let b = from; b < end; b++) if (counts(p, b * T + t)) call_indirect<void>(second, p, b * T + t, b)
    }
    if (s == 0 && !(flags & RECURRENT_STATE)) return
    for (let b = from; b < end; b++) {
      const at = b * T + t
      move(productRow(p, b, width), dhz ? rowOf(p, RECURRENT_BIAS, at, width) : rowOf(p, RECURRENT_Y, at, gates), width * u)
    }
    const transposed = MATMUL_TRANSPOSE_B | MATMUL_ACCUMULATE
    product(
      p, part, rowOf(p, RECURRENT_H, from, 1), productRow(p, from, width), load<u32>(p, RECURRENT_U), 0, rows, u, width * u,
      transposed, spread,
    )
  }
}
