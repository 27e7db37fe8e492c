// One optimizer step over flat memory: parameters p, gradients g and the optimizer's slots, all in the same order.
// `count` is a multiple of 16; slot i starts at slots + i * slotStride. The learning rate and the step count t
// (from 1) come from the arena's header. Scalars are derived in f64 from + - * / sqrt alone, then rounded once.
// Where g is 0 (padding), p that is 0 stays 0, with any epsilon. Weight decay wd is g += wd p first, where not said otherwise.
// Formulas: the papers named below, in the form PyTorch gives them. This file has sgd, adam and radam, whose loop is adam's;
// optimizer-rmsprop.ts and optimizer-rare.ts have the others.
// Float64 reference: test/reference/optimizers.ts
import {
  OPTIMIZER_ADAM, OPTIMIZER_SGD, UPDATE_A, UPDATE_AMSGRAD, UPDATE_B, UPDATE_COUNT, UPDATE_DECAY,
  UPDATE_DECOUPLED, UPDATE_EPSILON, UPDATE_FLAGS, UPDATE_G, UPDATE_KIND, UPDATE_MOMENTUM, UPDATE_NESTEROV, UPDATE_P,
  UPDATE_SLOTS, UPDATE_SLOT_BYTES,
} from '../abi'
import { header } from '../arena'
import { madd } from '../lanes'
import { FLOAT_WORK, pays, split } from '../parallel'
import { average, averageSquare, EPSILON_FLOOR, flush, power, rateOf, splat, stepCount } from './optimizer-parts'

/** 2^60: m / (sqrt(v) + 2^60) is m / 2^60 exactly for sqrt(v) < 2^35. */
const WARMUP_EPSILON: f64 = 1152921504606846976

/** v = momentum v + g; p -= lr v, or lr (g + momentum v) if nesterov. v is 0: no momentum, p -= lr g. */
function sgd(p: usize, end: usize, g: usize, v: usize, nesterov: bool, momentum: f64, lr: f64, wd: f64): void {
  const rate = splat(momentum), step = splat(-lr), decay = splat(wd)
  if (!v && wd == 0) {
    for (; p < end; p += 64) {
      sgdPlain(p, g, step)
      sgdPlain(p + 16, g + 16, step)
      sgdPlain(p + 32, g + 32, step)
      sgdPlain(p + 48, g + 48, step)
      g += 64
    }
    return
  }
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

@inline
function sgdPlain(p: usize, g: usize, step: v128): void {
  v128.store(p, madd(v128.load(g), step, v128.load(p)))
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
  if (vMax || l2 != 0 || keep != 1) {
    adamDecayed(p, end, g, m, v, vMax, b1, b2, step, epsilon, l2, keep)
    return
  }
  const share1 = splat(1 - b1), share2 = splat(1 - b2), back = splat(-step), e = splat(epsilon)
  // Four vectors a turn: 117 against 170 us for 100k parameters; the plain case, without what it doesn't need: 87.
  for (; p < end; p += 64) {
    adamPlain(p, g, m, v, share1, share2, back, e)
    adamPlain(p + 16, g + 16, m + 16, v + 16, share1, share2, back, e)
    adamPlain(p + 32, g + 32, m + 32, v + 32, share1, share2, back, e)
    adamPlain(p + 48, g + 48, m + 48, v + 48, share1, share2, back, e)
    g += 64
    m += 64
    v += 64
  }
}

/** The same with weight decay, l2 or decoupled, or vMax: a core for nets without them leaves it out. */
function adamDecayed(
  p: usize, end: usize, g: usize, m: usize, v: usize, vMax: usize,
  b1: f64, b2: f64, step: f64, epsilon: f64, l2: f64, keep: f64,
): void {
  const share1 = splat(1 - b1), share2 = splat(1 - b2)
  const back = splat(-step), e = splat(epsilon), decay = splat(l2), rest = splat(keep)
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

/** vMax: 0, or its vector. */
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

/**
 * words: kind, params, grads, slots, slotStride (bytes), count, flags, then f64 (two words each):
 * a (rho, beta1), b (beta2), epsilon, weightDecay, momentum, extra (nadam: 0.96^momentumDecay), with
 * UPDATE_SCALED rate, which multiplies the learning rate.
 * Slots in order: sgd v (only with momentum); rmsprop s, m (centered), b (momentum); adagrad s; adadelta s, u;
 * adam m, v, vMax (amsgrad); nadam m, v; radam m, v; adamax m, u; lion m.
 */
export function update(o: usize): void {
  const count = load<i32>(o, UPDATE_COUNT)
  if (pays(FLOAT_WORK * <f64>count)) split(updatePart.index, o, count, 16, FLOAT_WORK)
  else updatePart(o, 0, count, 0)
}

function updatePart(o: usize, first: i32, behind: i32, _: i32): void {
  const at = <usize>first << 2
  const kind = load<i32>(o, UPDATE_KIND), p = <usize>load<u32>(o, UPDATE_P) + at, g = <usize>load<u32>(o, UPDATE_G) + at
  const slot = <usize>load<u32>(o, UPDATE_SLOTS) + at, stride = <usize>load<u32>(o, UPDATE_SLOT_BYTES)
  const flags = load<i32>(o, UPDATE_FLAGS)
  const end = <usize>load<u32>(o, UPDATE_P) + (<usize>behind << 2)
  const a = load<f64>(o, UPDATE_A), b = load<f64>(o, UPDATE_B), wd = load<f64>(o, UPDATE_DECAY)
  const lr = rateOf(o, header)
  if (kind == OPTIMIZER_SGD) {
    const momentum = load<f64>(o, UPDATE_MOMENTUM)
    sgd(p, end, g, momentum != 0 ? slot : 0, (flags & UPDATE_NESTEROV) != 0, momentum, lr, wd)
    return
  }
  // bias corrections of the two moments
  const t = stepCount(header), open1 = 1 - power(a, t), powerB = power(b, t), open2 = 1 - powerB, root = sqrt(open2)
  const slot1 = slot + stride, e = load<f64>(o, UPDATE_EPSILON)
  if (kind == OPTIMIZER_ADAM) {
    const decoupled = (flags & UPDATE_DECOUPLED) != 0, vMax: usize = flags & UPDATE_AMSGRAD ? slot1 + stride : 0
    const l2: f64 = decoupled ? 0 : wd, keep: f64 = decoupled ? 1 - lr * wd : 1
    // epsilon relative to the uncorrected second moment
    adam(p, end, g, slot, slot1, vMax, a, b, (lr * root) / open1, max(root * e, EPSILON_FLOOR), l2, keep)
    return
  }
  // radam (Liu et al. 2020): rLimit = 2 / (1 - b2) - 1, r = rLimit - 2 t b2^t / (1 - b2^t). While r <= 5, the variance of
  // the step is unbounded: p -= lr m / (1 - b1^t), by an e so large that sqrt(v) vanishes beside it.
  const rLimit = 2 / (1 - b) - 1, r = rLimit - (2 * <f64>t * powerB) / open2
  const adaptive = r > 5
  const ratio = ((r - 4) * (r - 2) * rLimit) / ((rLimit - 4) * (rLimit - 2) * r)
  const step = (lr / open1) * (adaptive ? sqrt(ratio) * root : WARMUP_EPSILON)
  adam(p, end, g, slot, slot1, 0, a, b, step, adaptive ? max(e, EPSILON_FLOOR) : WARMUP_EPSILON, wd, 1)
}
