// y = f(x factor + offset) in one pass: normalization by statistics that are known, with the activation behind it. x, y [rows, cols],
// factor, offset [cols]; y may equal x. Reads up to 12 bytes past a row, writes nothing there. Over threads, a part is a range of
// rows.
// Float64 reference: test/reference/kernels/normalize.ts
import {
  FN_LINEAR, FN_RELU, SCALE_SHIFT_ALPHA, SCALE_SHIFT_COLS, SCALE_SHIFT_FACTOR, SCALE_SHIFT_FN, SCALE_SHIFT_OFFSET,
  SCALE_SHIFT_ROWS, SCALE_SHIFT_X, SCALE_SHIFT_Y,
} from '../abi'
import { Relu } from '../functions/of-output'
import { storeTail } from '../lanes'
import { FLOAT_WORK, split } from '../parallel'
import { each } from './unary-loops'

/** Floats that the function is applied to while they are in L1. */
const BLOCK = 4096

/** words: y, x, factor, offset, rows, cols, fn (linear, relu or one of module functions), alpha (f32) */
export function scaleShift(p: usize): void {
  split(scaleShiftPart.index, p, load<i32>(p, SCALE_SHIFT_ROWS), 1, FLOAT_WORK * <f64>load<i32>(p, SCALE_SHIFT_COLS))
}

function scaleShiftPart(p: usize, start: i32, end: i32, _: i32): void {
  const cols = load<i32>(p, SCALE_SHIFT_COLS), fn = load<i32>(p, SCALE_SHIFT_FN), height = max(BLOCK / cols, 1)
  const row = <usize>cols << 2, from = row * <usize>start
  let y = <usize>load<u32>(p, SCALE_SHIFT_Y) + from, x = <usize>load<u32>(p, SCALE_SHIFT_X) + from
  for (let i = start; i < end; i += height) {
    const rows = min(height, end - i), bytes = row * <usize>rows
    scaleRows(y, x, load<u32>(p, SCALE_SHIFT_FACTOR), load<u32>(p, SCALE_SHIFT_OFFSET), rows, cols)
    if (fn == FN_RELU) each<Relu>(y, y, cols * rows, 0)
    else if (fn != FN_LINEAR) call_indirect<void>(fn, y, y, cols * rows, load<f32>(p, SCALE_SHIFT_ALPHA))
    y += bytes
    x += bytes
  }
}

function scaleRows(y: usize, x: usize, factor: usize, offset: usize, rows: i32, cols: i32): void {
  const whole = <usize>(cols >> 2) << 4, left = cols & 3, step = <usize>cols << 2
  for (; rows > 0; rows--) {
    for (let o: usize = 0; o < whole; o += 16) {
      v128.store(y + o, f32x4.add(f32x4.mul(v128.load(x + o), v128.load(factor + o)), v128.load(offset + o)))
    }
    if (left) {
      const o = whole
      storeTail(y + o, f32x4.add(f32x4.mul(v128.load(x + o), v128.load(factor + o)), v128.load(offset + o)), left)
    }
    y += step
    x += step
  }
}
