// rmsprop, which lies in the module of what names bring (modules/extras.ts); optimizer.ts says what holds for all.
// Float64 reference: test/reference/optimizers.ts
import {
  JOB_ARENA, UPDATE_A, UPDATE_CENTERED, UPDATE_COUNT, UPDATE_DECAY, UPDATE_EPSILON, UPDATE_FLAGS, UPDATE_G,
  UPDATE_MOMENTUM, UPDATE_P, UPDATE_SLOTS, UPDATE_SLOT_BYTES,
} from '../abi'
import { atLeast, madd } from '../lanes'
import { FLOAT_WORK, split } from '../parallel'
import { average, averageSquare, EPSILON_FLOOR, flush, rateOf, splat } from './optimizer-parts'

/**
 * s = rho s + (1 - rho) g^2; d = g / (sqrt(s) + e), centered: d = g / (sqrt(s - m^2) + e), m = rho m + (1 - rho) g.
 * p -= lr d, with momentum: b = momentum b + d; p -= lr b. m or b is 0: not used. (Tieleman and Hinton 2012)
 */
function updateRange(
  p: usize, end: usize, g: usize, s: usize, m: usize, b: usize, rho: f64, epsilon: f64, momentum: f64, lr: f64, wd: f64,
): void {
  const share = splat(1 - rho), e = splat(epsilon), step = splat(-lr), decay = splat(wd)
  const drag = splat(momentum)
  for (; p < end; p += 16) {
    const w = v128.load(p), x = madd(w, decay, v128.load(g))
    let variance = averageSquare(v128.load(s), x, share)
    v128.store(s, variance)
    if (m) {
      const mean = average(v128.load(m), x, share)
      v128.store(m, mean)
      variance = atLeast(f32x4.sub(variance, f32x4.mul(mean, mean)), 0) // rounding may take it below 0
      m += 16
    }
    let d = f32x4.div(x, f32x4.add(f32x4.sqrt(variance), e))
    if (b) {
      d = flush(madd(v128.load(b), drag, d))
      v128.store(b, d)
      b += 16
    }
    v128.store(p, madd(d, step, w))
    g += 16
    s += 16
  }
}

/** words: UPDATE_* */
export function rmsprop(o: usize): void {
  split(updatePart.index, o, load<i32>(o, UPDATE_COUNT), 16, FLOAT_WORK)
}

function updatePart(o: usize, first: i32, behind: i32, _: i32): void {
  const at = <usize>first << 2, start = <usize>load<u32>(o, UPDATE_P)
  const slot = <usize>load<u32>(o, UPDATE_SLOTS) + at, stride = <usize>load<u32>(o, UPDATE_SLOT_BYTES)
  const momentum = load<f64>(o, UPDATE_MOMENTUM)
  const m: usize = load<i32>(o, UPDATE_FLAGS) & UPDATE_CENTERED ? slot + stride : 0
  const b: usize = momentum == 0 ? 0 : (m ? m : slot) + stride
  const epsilon = max(load<f64>(o, UPDATE_EPSILON), EPSILON_FLOOR)
  updateRange(
    start + at, start + (<usize>behind << 2), <usize>load<u32>(o, UPDATE_G) + at, slot, m, b,
    load<f64>(o, UPDATE_A), epsilon, momentum, rateOf(o, load<u32>(JOB_ARENA)), load<f64>(o, UPDATE_DECAY),
  )
}
