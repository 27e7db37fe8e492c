// Passes over the flat regions of weights and gradients beside the update itself. `count` is a multiple of 16; the
// padding is 0 and stays 0.
// Float64 reference: test/session/ema.test.ts
import {
  ACCUMULATE_ARENA, ACCUMULATE_COUNT, ACCUMULATE_G, ACCUMULATE_SUM, ACCUMULATE_WHAT, EMA_ARENA, EMA_COUNT, EMA_E,
  EMA_EVERY, EMA_M, EMA_W, HEADER_FACTOR, HEADER_STEP_COUNT,
} from '../abi'
import { madd } from '../lanes'
import { FLOAT_WORK, split } from '../parallel'

/**
 * Moving average of the weights: e = m e + (1 - m) w, e = w at the first step (the count in the header). Every `every`
 * steps the weights take the average's values; 0: never.
 * words: arena, w, e, count, m (f32), every
 */
export function ema(p: usize): void {
  split(emaPart.index, p, load<i32>(p, EMA_COUNT), 16, FLOAT_WORK)
}

function emaPart(p: usize, first: i32, behind: i32, _: i32): void {
  const step = <u64>load<f64>(<usize>load<u32>(p, EMA_ARENA), HEADER_STEP_COUNT)
  const at = <usize>first << 2
  let w = <usize>load<u32>(p, EMA_W) + at, e = <usize>load<u32>(p, EMA_E) + at
  const end = <usize>load<u32>(p, EMA_W) + (<usize>behind << 2)
  const m = f32x4.splat(step == 1 ? 0 : load<f32>(p, EMA_M))
  const every = <u64>load<u32>(p, EMA_EVERY), overwrites = every > 0 && step % every == 0
  for (; w < end; w += 16) {
    const x = v128.load(w)
    const average = madd(m, f32x4.sub(v128.load(e), x), x)
    v128.store(e, average)
    if (overwrites) v128.store(w, average)
    e += 16
  }
}

/**
 * Sum of gradients over steps, each weighted by the factor f of the header. Steps are added in f32, one after the other: the
 * relative error of n steps of one sign is at most 6e-8 n, beside that of the gradients.
 * words: arena, g, sum, count, what (0: sum += f g; 1: g = sum / f, sum = 0; 2: g += sum / f, sum = 0)
 */
export function accumulate(p: usize): void {
  split(accumulatePart.index, p, load<i32>(p, ACCUMULATE_COUNT), 16, FLOAT_WORK)
}

function accumulatePart(p: usize, first: i32, behind: i32, _: i32): void {
  const at = <usize>first << 2
  let g = <usize>load<u32>(p, ACCUMULATE_G) + at, sum = <usize>load<u32>(p, ACCUMULATE_SUM) + at
  const end = <usize>load<u32>(p, ACCUMULATE_G) + (<usize>behind << 2), what = load<i32>(p, ACCUMULATE_WHAT)
  const factor = f32x4.splat(load<f32>(<usize>load<u32>(p, ACCUMULATE_ARENA), HEADER_FACTOR))
  for (; g < end; g += 16) {
    const x = v128.load(sum)
    if (what == 0) {
      v128.store(sum, madd(factor, v128.load(g), x))
    } else {
      const mean = f32x4.div(x, factor)
      v128.store(g, what == 1 ? mean : f32x4.add(v128.load(g), mean))
      v128.store(sum, f32x4.splat(0))
    }
    sum += 16
  }
}
