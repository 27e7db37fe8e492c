// One optimizer step over flat memory: parameters p, gradients g and the optimizer's slots, all in the same order.
// `count` is a multiple of 16; slot i starts at slots + i * slotStride. The learning rate and the step count t
// (from 1) come from the arena's header. Scalars are derived in f64 from + - * / sqrt alone, then rounded once.
// Where g is 0 (padding), p that is 0 stays 0, with any epsilon. Run one update per step: nadam multiplies its
// product in the header each time. Weight decay wd is g += wd p first, where not said otherwise.
// Formulas: the papers named below, in the form PyTorch gives them.
import {
  HEADER_LEARNING_RATE, HEADER_MOMENTUM_PRODUCT, HEADER_STEP_COUNT, OPTIMIZER_ADADELTA, OPTIMIZER_ADAGRAD,
  OPTIMIZER_ADAM, OPTIMIZER_ADAMAX, OPTIMIZER_LION, OPTIMIZER_NADAM, OPTIMIZER_RADAM, OPTIMIZER_RMSPROP, OPTIMIZER_SGD,
  UPDATE_A, UPDATE_AMSGRAD, UPDATE_B, UPDATE_CENTERED, UPDATE_COUNT, UPDATE_DECAY, UPDATE_DECOUPLED, UPDATE_EPSILON,
  UPDATE_EXTRA, UPDATE_FLAGS, UPDATE_G, UPDATE_KIND, UPDATE_MOMENTUM, UPDATE_NESTEROV, UPDATE_P, UPDATE_SLOTS,
  UPDATE_SLOT_BYTES,
} from '../abi'
import { header } from '../arena'
import { atLeast, madd } from '../lanes'
import { FLOAT_WORK, pays, split } from '../parallel'
import { sign } from './tails'

/** Least epsilon: 0/0 never arises; where it matters, g^2 has left the range of a float long before. */
const EPSILON_FLOOR: f64 = 1e-17

/** 2^60: m / (sqrt(v) + 2^60) is m / 2^60 exactly for sqrt(v) < 2^35. */
const WARMUP_EPSILON: f64 = 1152921504606846976

/**
 * Slots smaller than this become 0. A slot whose gradient stays away decays by a constant factor, into the
 * denormals, where it would stay for ever (0.9 of the least float rounds to itself) and each operation costs x64
 * over a hundred cycles.
 */
const SLOT_FLOOR: f32 = 1e-36

/** x, or 0 if |x| is below SLOT_FLOOR; NaN stays. */
@inline
function flush(x: v128): v128 {
  return v128.andnot(x, f32x4.lt(f32x4.abs(x), f32x4.splat(SLOT_FLOOR)))
}

/** Moving average x + share (y - x) = (1 - share) x + share y. */
@inline
function average(x: v128, y: v128, share: v128): v128 {
  return flush(madd(f32x4.sub(y, x), share, x))
}

/**
 * |g| counts as at least this in averages of g^2: neither the square, nor what is left of it by a share of 1e-5, nor the
 * last bits of either are denormals then. It is far below any epsilon that matters.
 */
const LEAST_ROOT: f32 = 1e-14

/** The same of y = g^2. */
@inline
function averageSquare(x: v128, g: v128, share: v128): v128 {
  const y = f32x4.pmax(f32x4.abs(g), f32x4.splat(LEAST_ROOT))
  return madd(f32x4.sub(f32x4.mul(y, y), x), share, x)
}

@inline
function splat(x: f64): v128 {
  return f32x4.splat(<f32>x)
}

/** The steps done, this one included. */
function stepCount(): u64 {
  return <u64>load<f64>(header, HEADER_STEP_COUNT)
}

/** base^n by repeated squaring. */
function power(base: f64, n: u64): f64 {
  let result: f64 = 1
  for (; n; n >>= 1) {
    if (n & 1) result *= base
    base *= base
  }
  return result
}

/** v = momentum v + g; p -= lr v, or lr (g + momentum v) if nesterov. v is 0: no momentum, p -= lr g. */
function sgd(p: usize, end: usize, g: usize, v: usize, nesterov: bool, momentum: f64, lr: f64, wd: f64): void {
  const rate = splat(momentum), step = splat(-lr), decay = splat(wd)
  for (; p < end; p += 16) {
    const w = v128.load(p)
    let d = madd(w, decay, v128.load(g))
    if (v) {
      const velocity = flush(madd(v128.load(v), rate, d))
      v128.store(v, velocity)
      d = nesterov ? madd(velocity, rate, d) : velocity
      v += 16
    }
    v128.store(p, madd(d, step, w))
    g += 16
  }
}

/**
 * s = rho s + (1 - rho) g^2; d = g / (sqrt(s) + e), centered: d = g / (sqrt(s - m^2) + e), m = rho m + (1 - rho) g.
 * p -= lr d, with momentum: b = momentum b + d; p -= lr b. m or b is 0: not used. (Tieleman and Hinton 2012)
 */
function rmsprop(
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

/**
 * m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; vMax = max(vMax, v), if it is not 0, then takes the place of v.
 * p = keep p - step m / (sqrt(v) + e)    (Kingma and Ba 2015; Reddi, Kale and Kumar 2018)
 * The caller folds the bias corrections into step and e: lr / (1 - b1^t) m / (sqrt(v) / c + e0), c = sqrt(1 - b2^t),
 * is that for step = lr c / (1 - b1^t) and e = c e0.
 */
function adam(
  p: usize, end: usize, g: usize, m: usize, v: usize, vMax: usize,
  b1: f64, b2: f64, step: f64, epsilon: f64, l2: f64, keep: f64,
): void {
  const share1 = splat(1 - b1), share2 = splat(1 - b2)
  const back = splat(-step), e = splat(epsilon), decay = splat(l2), rest = splat(keep)
  // Four vectors a turn: 117 against 170 us for 100k parameters; the plain case, without what it doesn't need: 87.
  if (!vMax && l2 == 0 && keep == 1) {
    for (; p < end; p += 64) {
      adamPlain(p, g, m, v, share1, share2, back, e)
      adamPlain(p + 16, g + 16, m + 16, v + 16, share1, share2, back, e)
      adamPlain(p + 32, g + 32, m + 32, v + 32, share1, share2, back, e)
      adamPlain(p + 48, g + 48, m + 48, v + 48, share1, share2, back, e)
      g += 64
      m += 64
      v += 64
    }
    return
  }
  for (; p < end; p += 64) {
    adamVector(p, g, m, v, vMax, share1, share2, back, e, decay, rest)
    adamVector(p + 16, g + 16, m + 16, v + 16, vMax ? vMax + 16 : 0, share1, share2, back, e, decay, rest)
    adamVector(p + 32, g + 32, m + 32, v + 32, vMax ? vMax + 32 : 0, share1, share2, back, e, decay, rest)
    adamVector(p + 48, g + 48, m + 48, v + 48, vMax ? vMax + 48 : 0, share1, share2, back, e, decay, rest)
    g += 64
    m += 64
    v += 64
    if (vMax) vMax += 64
  }
}

@inline
function adamPlain(p: usize, g: usize, m: usize, v: usize, share1: v128, share2: v128, back: v128, e: v128): void {
  const x = v128.load(g)
  const mean = average(v128.load(m), x, share1), square = averageSquare(v128.load(v), x, share2)
  v128.store(m, mean)
  v128.store(v, square)
  v128.store(p, madd(f32x4.div(mean, f32x4.add(f32x4.sqrt(square), e)), back, v128.load(p)))
}

/** With weight decay, l2 or decoupled, and vMax where it is not 0. */
@inline
function adamVector(
  p: usize, g: usize, m: usize, v: usize, vMax: usize,
  share1: v128, share2: v128, back: v128, e: v128, decay: v128, rest: v128,
): void {
  const w = v128.load(p), x = madd(w, decay, v128.load(g))
  const mean = average(v128.load(m), x, share1)
  let square = averageSquare(v128.load(v), x, share2)
  v128.store(m, mean)
  v128.store(v, square)
  if (vMax) {
    square = f32x4.pmax(v128.load(vMax), square)
    v128.store(vMax, square)
  }
  v128.store(p, madd(f32x4.div(mean, f32x4.add(f32x4.sqrt(square), e)), back, f32x4.mul(w, rest)))
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

/**
 * words: kind, params, grads, slots, slotStride (bytes), count, flags, then f64 (two words each):
 * a (rho, beta1), b (beta2), epsilon, weightDecay, momentum, extra (nadam: 0.96^momentumDecay).
 * Slots in order: sgd v (only with momentum); rmsprop s, m (centered), b (momentum); adagrad s; adadelta s, u;
 * adam m, v, vMax (amsgrad); nadam m, v; radam m, v; adamax m, u; lion m.
 */
export function update(o: usize): void {
  const count = load<i32>(o, UPDATE_COUNT)
  if (pays(FLOAT_WORK * <f64>count)) split(updatePart.index, o, count, 16, FLOAT_WORK)
  else updatePart(o, 0, count, 0)
  if (load<i32>(o, UPDATE_KIND) == OPTIMIZER_NADAM) store<f64>(header, nadamProduct(o), HEADER_MOMENTUM_PRODUCT)
}

/** mu_1 ... mu_t, mu_t = b1 (1 - 0.96^(t md) / 2), from that of t - 1 in the header. */
function nadamProduct(o: usize): f64 {
  const decayed = power(load<f64>(o, UPDATE_EXTRA), stepCount())
  return load<f64>(header, HEADER_MOMENTUM_PRODUCT) * (load<f64>(o, UPDATE_A) * (1 - 0.5 * decayed))
}

function updatePart(o: usize, first: i32, behind: i32, _: i32): void {
  const at = <usize>first << 2
  const kind = load<i32>(o, UPDATE_KIND), p = <usize>load<u32>(o, UPDATE_P) + at, g = <usize>load<u32>(o, UPDATE_G) + at
  const slot = <usize>load<u32>(o, UPDATE_SLOTS) + at, stride = <usize>load<u32>(o, UPDATE_SLOT_BYTES)
  const flags = load<i32>(o, UPDATE_FLAGS)
  const end = <usize>load<u32>(o, UPDATE_P) + (<usize>behind << 2)
  const a = load<f64>(o, UPDATE_A), b = load<f64>(o, UPDATE_B), e = max(load<f64>(o, UPDATE_EPSILON), EPSILON_FLOOR)
  const wd = load<f64>(o, UPDATE_DECAY)
  const momentum = load<f64>(o, UPDATE_MOMENTUM), extra = load<f64>(o, UPDATE_EXTRA)
  const lr = <f64>load<f32>(header, HEADER_LEARNING_RATE)
  const slot1 = slot + stride, slot2 = slot1 + stride
  if (kind == OPTIMIZER_SGD) {
    sgd(p, end, g, momentum != 0 ? slot : 0, (flags & UPDATE_NESTEROV) != 0, momentum, lr, wd)
    return
  }
  const t: u64 = kind < OPTIMIZER_ADAM ? 0 : stepCount() // the others don't need the powers
  // adam's family: bias corrections of the two moments, and epsilon relative to the uncorrected second one
  const open1 = 1 - power(a, t), powerB = power(b, t), open2 = 1 - powerB, root = sqrt(open2)
  const inner = max(root * load<f64>(o, UPDATE_EPSILON), EPSILON_FLOOR)
  switch (kind) {
    case OPTIMIZER_RMSPROP: {
      const centered = (flags & UPDATE_CENTERED) != 0
      const velocity: usize = momentum == 0 ? 0 : centered ? slot2 : slot1
      rmsprop(p, end, g, slot, centered ? slot1 : 0, velocity, a, e, momentum, lr, wd)
      break
    }
    case OPTIMIZER_ADAGRAD:
      adagrad(p, end, g, slot, e, lr, wd)
      break
    case OPTIMIZER_ADADELTA:
      adadelta(p, end, g, slot, slot1, a, e, lr, wd)
      break
    case OPTIMIZER_ADAM: {
      const decoupled = (flags & UPDATE_DECOUPLED) != 0, vMax: usize = flags & UPDATE_AMSGRAD ? slot2 : 0
      const l2: f64 = decoupled ? 0 : wd, keep: f64 = decoupled ? 1 - lr * wd : 1
      adam(p, end, g, slot, slot1, vMax, a, b, (lr * root) / open1, inner, l2, keep)
      break
    }
    case OPTIMIZER_NADAM: {
      const decayed = power(extra, t), mu = a * (1 - 0.5 * decayed), next = a * (1 - 0.5 * decayed * extra)
      const product = nadamProduct(o)
      const stepG = (lr * root * (1 - mu)) / (1 - product), stepM = (lr * root * next) / (1 - product * next)
      nadam(p, end, g, slot, slot1, a, b, stepG, stepM, inner, wd)
      break
    }
    case OPTIMIZER_RADAM: {
      // (Liu et al. 2020) rLimit = 2 / (1 - b2) - 1, r = rLimit - 2 t b2^t / (1 - b2^t). While r <= 5, the variance of
      // the step is unbounded: p -= lr m / (1 - b1^t), by an e so large that sqrt(v) vanishes beside it.
      const rLimit = 2 / (1 - b) - 1, r = rLimit - (2 * <f64>t * powerB) / open2
      const adaptive = r > 5
      const ratio = ((r - 4) * (r - 2) * rLimit) / ((rLimit - 4) * (rLimit - 2) * r)
      const step = (lr / open1) * (adaptive ? sqrt(ratio) * root : WARMUP_EPSILON)
      adam(p, end, g, slot, slot1, 0, a, b, step, adaptive ? e : WARMUP_EPSILON, wd, 1)
      break
    }
    case OPTIMIZER_ADAMAX:
      adamax(p, end, g, slot, slot1, a, b, lr / open1, e, wd)
      break
    case OPTIMIZER_LION:
      lion(p, end, g, slot, a, b, lr, 1 - lr * wd)
  }
}
