// A weight brought back to its constraint, in place, after an update. It is seen as [outer, count, inner]; each norm is
// taken over the middle axis (formulas of Keras, its epsilon 1e-7):
//   norm = sqrt(sum w^2),  w *= (rate clip(norm, low, high) + (1 - rate) norm) / (norm + 1e-7)
// Squares are summed in f64, in order of the middle axis (rows of one column: lanes 0, 1, then 2, 3, every four).
import { lanesBelow, storeBelow, sumWide } from './tails'

@inline
function factor(squares: f64, low: f64, high: f64, rate: f64): f32 {
  const norm = sqrt(squares)
  return <f32>((rate * min(max(norm, low), high) + (1 - rate) * norm) / (norm + 1e-7))
}

/** words: w, outer, count, inner, low (f32), high (f32), rate (f32) */
export function constrain(p: usize): void {
  let w = <usize>load<u32>(p)
  const outer = load<i32>(p, 4), count = load<i32>(p, 8), inner = load<i32>(p, 12)
  const low = <f64>load<f32>(p, 16), high = <f64>load<f32>(p, 20), rate = <f64>load<f32>(p, 24)
  const row = <usize>inner << 2
  for (let o = 0; o < outer; o++) {
    if (inner == 1) {
      let sums = f64x2.splat(0)
      for (let i = 0; i < count; i += 4) {
        const x = v128.and(v128.load(w + (<usize>i << 2)), lanesBelow(count - i))
        const a = f64x2.promote_low_f32x4(x), b = f64x2.promote_low_f32x4(v128.shuffle<f64>(x, x, 1, 1))
        sums = f64x2.add(f64x2.add(sums, f64x2.mul(a, a)), f64x2.mul(b, b))
      }
      const scale = f32x4.splat(factor(sumWide(sums), low, high, rate))
      for (let i = 0; i < count; i += 4) {
        const at = w + (<usize>i << 2)
        storeBelow(at, f32x4.mul(v128.load(at), scale), count - i)
      }
    } else {
      for (let j = 0; j < inner; j += 4) {
        const top = w + (<usize>j << 2)
        let left = f64x2.splat(0), right = left, at = top
        for (let r = 0; r < count; r++) {
          const x = v128.load(at)
          const a = f64x2.promote_low_f32x4(x), b = f64x2.promote_low_f32x4(v128.shuffle<f64>(x, x, 1, 1))
          left = f64x2.add(left, f64x2.mul(a, a))
          right = f64x2.add(right, f64x2.mul(b, b))
          at += row
        }
        let scale = f32x4.splat(factor(f64x2.extract_lane(left, 0), low, high, rate))
        scale = f32x4.replace_lane(scale, 1, factor(f64x2.extract_lane(left, 1), low, high, rate))
        scale = f32x4.replace_lane(scale, 2, factor(f64x2.extract_lane(right, 0), low, high, rate))
        scale = f32x4.replace_lane(scale, 3, factor(f64x2.extract_lane(right, 1), low, high, rate))
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
