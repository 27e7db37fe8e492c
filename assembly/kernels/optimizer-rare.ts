// The optimizers that few programs have; optimizer.ts says what holds for all. Run one update per step: nadam multiplies its
// product in the header, with the last piece of a step.
// Float64 reference: test/reference/optimizers.ts
import {
  HEADER_MOMENTUM_PRODUCT, JOB_ARENA, OPTIMIZER_ADADELTA, OPTIMIZER_ADAGRAD, OPTIMIZER_ADAMAX, OPTIMIZER_LION,
  OPTIMIZER_NADAM, UPDATE_A, UPDATE_B, UPDATE_COUNT, UPDATE_DECAY, UPDATE_EPSILON,
  UPDATE_EXTRA, UPDATE_FLAGS, UPDATE_G, UPDATE_KIND, UPDATE_P, UPDATE_SLOTS, UPDATE_SLOT_BYTES,
  UPDATE_UNFINISHED,
} from '../abi'
import { madd } from '../lanes'
import { FLOAT_WORK, split } from '../parallel'
import { average, averageSquare, EPSILON_FLOOR, flush, power, rateOf, splat, stepCount } from './optimizer-parts'
import { sign } from './tails'

/** s += g^2; p -= lr g / (sqrt(s) + e). (Duchi, Hazan and Singer 2011) */
function adagrad(p: usize, end: usize, g: usize, s: usize, epsilon: f64, lr: f64, wd: f64): void {
  const e = splat(epsilon), step = splat(-lr), decay = splat(wd)
  for (; p < end; p += 16) {
    const w = v128.load(p), x = madd(w, decay, v128.load(g)), sum = madd(x, x, v128.load(s))
    v128.store(s, sum)
    v128.store(p, madd(f32x4.div(x, f32x4.add(f32x4.sqrt(sum), e)), step, w))
    g += 16
    s += 16
  }
}

/** s = rho s + (1 - rho) g^2; d = sqrt((u + e) / (s + e)) g; u = rho u + (1 - rho) d^2; p -= lr d. (Zeiler 2012) */
function adadelta(p: usize, end: usize, g: usize, s: usize, u: usize, rho: f64, epsilon: f64, lr: f64, wd: f64): void {
  const share = splat(1 - rho), e = splat(epsilon), step = splat(-lr), decay = splat(wd)
  for (; p < end; p += 16) {
    const w = v128.load(p), x = madd(w, decay, v128.load(g)), before = v128.load(u)
    const squares = averageSquare(v128.load(s), x, share)
    const d = f32x4.mul(f32x4.sqrt(f32x4.div(f32x4.add(before, e), f32x4.add(squares, e))), x)
    v128.store(s, squares)
    v128.store(u, averageSquare(before, d, share))
    v128.store(p, madd(d, step, w))
    g += 16
    s += 16
    u += 16
  }
}

/** As adam, but p -= (stepG g + stepM m) / (sqrt(v) + e). (Dozat 2016) */
function nadam(
  p: usize, end: usize, g: usize, m: usize, v: usize,
  b1: f64, b2: f64, stepG: f64, stepM: f64, epsilon: f64, wd: f64,
): void {
  const share1 = splat(1 - b1), share2 = splat(1 - b2), decay = splat(wd)
  const backG = splat(-stepG), backM = splat(-stepM), e = splat(epsilon)
  for (; p < end; p += 16) {
    const w = v128.load(p), x = madd(w, decay, v128.load(g))
    const mean = average(v128.load(m), x, share1)
    const square = averageSquare(v128.load(v), x, share2)
    v128.store(m, mean)
    v128.store(v, square)
    const d = madd(mean, backM, f32x4.mul(x, backG))
    v128.store(p, f32x4.add(w, f32x4.div(d, f32x4.add(f32x4.sqrt(square), e))))
    g += 16
    m += 16
    v += 16
  }
}

/**
 * m as adam; u = max(b2 u, |g| + e); p -= step m / u, step = lr / (1 - b1^t). (Kingma and Ba 2015)
 * e is added to u only where g is not 0, and u is taken as at least e: the same p, while padding keeps u = 0.
 */
function adamax(
  p: usize, end: usize, g: usize, m: usize, u: usize, b1: f64, b2: f64, step: f64, epsilon: f64, wd: f64,
): void {
  const share1 = splat(1 - b1), rate2 = splat(b2), back = splat(-step), e = splat(epsilon)
  const decay = splat(wd)
  for (; p < end; p += 16) {
    const w = v128.load(p), x = madd(w, decay, v128.load(g))
    const mean = average(v128.load(m), x, share1)
    const size = v128.and(f32x4.add(f32x4.abs(x), e), f32x4.ne(x, f32x4.splat(0)))
    const bound = f32x4.max(flush(f32x4.mul(v128.load(u), rate2)), size)
    v128.store(m, mean)
    v128.store(u, bound)
    v128.store(p, madd(f32x4.div(mean, f32x4.max(bound, e)), back, w))
    g += 16
    m += 16
    u += 16
  }
}

/** p = keep p - lr sign(b1 m + (1 - b1) g); m = b2 m + (1 - b2) g; keep = 1 - lr wd. (Chen et al. 2023) */
function lion(p: usize, end: usize, g: usize, m: usize, b1: f64, b2: f64, lr: f64, keep: f64): void {
  const share1 = splat(1 - b1), share2 = splat(1 - b2)
  const step = splat(-lr), rest = splat(keep)
  for (; p < end; p += 16) {
    const x = v128.load(g), before = v128.load(m)
    const d = sign(madd(f32x4.sub(x, before), share1, before))
    v128.store(m, average(before, x, share2))
    v128.store(p, madd(d, step, f32x4.mul(v128.load(p), rest)))
    g += 16
    m += 16
  }
}

/** Address of the arena's header. */
function arena(): usize {
  return <usize>load<u32>(JOB_ARENA)
}

/** words: UPDATE_*; kinds behind OPTIMIZER_RADAM */
export function rareUpdate(o: usize): void {
  split(rareUpdatePart.index, o, load<i32>(o, UPDATE_COUNT), 16, FLOAT_WORK)
  if (load<i32>(o, UPDATE_KIND) == OPTIMIZER_NADAM && !(load<i32>(o, UPDATE_FLAGS) & UPDATE_UNFINISHED)) store<f64>(arena(), nadamProduct(o), HEADER_MOMENTUM_PRODUCT)
}

/** mu_1 ... mu_t, mu_t = b1 (1 - 0.96^(t md) / 2), from that of t - 1 in the header. */
function nadamProduct(o: usize): f64 {
  const decayed = power(load<f64>(o, UPDATE_EXTRA), stepCount(arena()))
  return load<f64>(arena(), HEADER_MOMENTUM_PRODUCT) * (load<f64>(o, UPDATE_A) * (1 - 0.5 * decayed))
}

function rareUpdatePart(o: usize, first: i32, behind: i32, _: i32): void {
  const at = <usize>first << 2
  const kind = load<i32>(o, UPDATE_KIND), p = <usize>load<u32>(o, UPDATE_P) + at, g = <usize>load<u32>(o, UPDATE_G) + at
  const slot = <usize>load<u32>(o, UPDATE_SLOTS) + at, stride = <usize>load<u32>(o, UPDATE_SLOT_BYTES)
  const flags = load<i32>(o, UPDATE_FLAGS)
  const end = <usize>load<u32>(o, UPDATE_P) + (<usize>behind << 2)
  const a = load<f64>(o, UPDATE_A), b = load<f64>(o, UPDATE_B), e = max(load<f64>(o, UPDATE_EPSILON), EPSILON_FLOOR)
  const wd = load<f64>(o, UPDATE_DECAY)
  const extra = load<f64>(o, UPDATE_EXTRA)
  const lr = rateOf(o, arena())
  const slot1 = slot + stride
  const t: u64 = kind < OPTIMIZER_NADAM ? 0 : stepCount(arena()) // the others don't need the powers
  // bias corrections of the two moments, and epsilon relative to the uncorrected second one
  const open1 = 1 - power(a, t), open2 = 1 - power(b, t), root = sqrt(open2)
  const inner = max(root * load<f64>(o, UPDATE_EPSILON), EPSILON_FLOOR)
  switch (kind) {
    case OPTIMIZER_ADAGRAD:
      adagrad(p, end, g, slot, e, lr, wd)
      break
    case OPTIMIZER_ADADELTA:
      adadelta(p, end, g, slot, slot1, a, e, lr, wd)
      break
    case OPTIMIZER_NADAM: {
      const decayed = power(extra, t), mu = a * (1 - 0.5 * decayed), next = a * (1 - 0.5 * decayed * extra)
      const product = nadamProduct(o)
      const stepG = (lr * root * (1 - mu)) / (1 - product), stepM = (lr * root * next) / (1 - product * next)
      nadam(p, end, g, slot, slot1, a, b, stepG, stepM, inner, wd)
      break
    }
    case OPTIMIZER_ADAMAX:
      adamax(p, end, g, slot, slot1, a, b, lr / open1, e, wd)
      break
    case OPTIMIZER_LION:
      lion(p, end, g, slot, a, b, lr, 1 - lr * wd)
  }
}
