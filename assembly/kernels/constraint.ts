// A weight brought back to its constraint, in place, after an update. It is seen as [outer, count, inner]; each norm is
// taken over the middle axis (formulas of Keras, its epsilon 1e-7):
//   norm = sqrt(sum w^2),  w *= (rate clip(norm, low, high) + (1 - rate) norm) / (norm + 1e-7)
// Squares are summed in f64, in order of the middle axis (rows of one column: lanes 0, 1, then 2, 3, every four).
// Float64 reference: test/layers/constraints.test.ts
import {
  CONSTRAIN_COUNT, CONSTRAIN_HIGH, CONSTRAIN_INNER, CONSTRAIN_LOW, CONSTRAIN_OUTER, CONSTRAIN_RATE, CONSTRAIN_W,
} from '../abi'
import { FLOAT_WORK, split } from '../parallel'
import { lanesBelow, storeBelow, sumWide } from './tails'

@inline
function factor(squares: f64, low: f64, high: f64, rate: f64): f32 {
  const norm = sqrt(squares)
  return <f32>((rate * min(max(norm, low), high) + (1 - rate) * norm) / (norm + 1e-7))
}

/** words: w, outer, count, inner, low (f32), high (f32), rate (f32) */
export function constrain(p: usize): void {
  const outer = load<i32>(p, CONSTRAIN_OUTER), inner = load<i32>(p, CONSTRAIN_INNER)
  const work = FLOAT_WORK * <f64>load<i32>(p, CONSTRAIN_COUNT)
  if (inner == 1) split(constrainPart.index, p, outer, 1, work)
  else split(constrainPart.index, p, inner, 4, work * <f64>outer)
}

/** `from` to `to`: of inner, or, where that is 1, of outer. */
function constrainPart(p: usize, from: i32, to: i32, _: i32): void {
  const outer = load<i32>(p, CONSTRAIN_OUTER), count = load<i32>(p, CONSTRAIN_COUNT), inner = load<i32>(p, CONSTRAIN_INNER)
  const first = inner == 1 ? from : 0, end = inner == 1 ? to : outer
  let w = <usize>load<u32>(p, CONSTRAIN_W) + (<usize>(first * count) << 2)
  const least = <f64>load<f32>(p, CONSTRAIN_LOW), most = <f64>load<f32>(p, CONSTRAIN_HIGH)
  const rate = <f64>load<f32>(p, CONSTRAIN_RATE)
  const row = <usize>inner << 2
  for (let o = first; o < end; o++) {
    if (inner == 1) {
      let sums = f64x2.splat(0)
      for (let i = 0; i < count; i += 4) {
        const x = v128.and(v128.load(w + (<usize>i << 2)), lanesBelow(count - i))
        const a = f64x2.promote_low_f32x4(x), b = f64x2.promote_low_f32x4(v128.shuffle<f64>(x, x, 1, 1))
        sums = f64x2.add(f64x2.add(sums, f64x2.mul(a, a)), f64x2.mul(b, b))
      }
      const scale = f32x4.splat(factor(sumWide(sums), least, most, rate))
      for (let i = 0; i < count; i += 4) {
        const at = w + (<usize>i << 2)
        storeBelow(at, f32x4.mul(v128.load(at), scale), count - i)
      }
    } else {
      for (let j = from; j < to; j += 4) {
        const top = w + (<usize>j << 2)
        let low = f64x2.splat(0), high = low, at = top
        for (let r = 0; r < count; r++) {
          const x = v128.load(at)
          const a = f64x2.promote_low_f32x4(x), b = f64x2.promote_low_f32x4(v128.shuffle<f64>(x, x, 1, 1))
          low = f64x2.add(low, f64x2.mul(a, a))
          high = f64x2.add(high, f64x2.mul(b, b))
          at += row
        }
        let scale = f32x4.splat(factor(f64x2.extract_lane(low, 0), least, most, rate))
        scale = f32x4.replace_lane(scale, 1, factor(f64x2.extract_lane(low, 1), least, most, rate))
        scale = f32x4.replace_lane(scale, 2, factor(f64x2.extract_lane(high, 0), least, most, rate))
        scale = f32x4.replace_lane(scale, 3, factor(f64x2.extract_lane(high, 1), least, most, rate))
        at = top
        for (let r = 0; r < count; r++) {
          storeBelow(at, f32x4.mul(v128.load(at), scale), inner - j)
          at += row
        }
      }
    }
    w += row * count
  }
}
