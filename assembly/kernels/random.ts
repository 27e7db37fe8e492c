// Random numbers that depend on (seed, stream, counter, index) alone, never on order or on the number of threads.
// The key of a run is one block under the seed: threefry(seed; counter, stream), and where the counter has a high word,
// one block under that: threefry(key; high word, 1). Values 2 b and 2 b + 1 are the words
// of block b under that key: four blocks a turn.
// Float64 reference: test/reference/kernels/random.ts
import {
  DRAW_ARENA, DRAW_KIND, DRAW_PARAM, DRAW_SEED_HIGH, DRAW_SEED_LOW, DRAW_STREAM, DROPOUT_DRAW, DROPOUT_DST,
  DROPOUT_SRC, HEADER_RANDOM_COUNTER, RANDOM_BERNOULLI, RANDOM_DRAW, RANDOM_DST, RANDOM_NORMAL, RANDOM_UNIFORM,
} from '../abi'
import { madd, select, splat } from '../lanes'
import { FLOAT_WORK, split } from '../parallel'
import { blocks, first, second } from '../threefry'
import { callLog } from './calls'
import { storeBelow } from './tails'

/** Work of one number: its share of the rounds. */
const WORK: f64 = 3 * FLOAT_WORK

/** 24 random bits as a float in [0, 1). */
@inline
function unit(word: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(word, 8)), splat(5.9604644775390625e-8))
}

/**
 * The normal quantile of u + 2^-25, u in [0, 1) of 24 bits: sqrt(2) erfinv(2 u - 1), by the single-precision
 * polynomials of Giles ("Approximating the erfinv function", 2010; relative error below 4e-7 of erfinv). Never beyond
 * 5.5 standard deviations.
 */
function quantile(u: v128): v128 {
  // 1 - x and 1 + x, x = 2 u - 1 + 2^-24, each exact where it is small
  const below = madd(u, splat(2), splat(5.9604644775390625e-8))
  const above = f32x4.sub(splat(2), below)
  const x = f32x4.sub(below, splat(1))
  const w = f32x4.neg(callLog(f32x4.mul(below, above)))
  const s = f32x4.sub(w, splat(2.5))
  let p = splat(2.81022636e-08)
  p = madd(p, s, splat(3.43273939e-07))
  p = madd(p, s, splat(-3.5233877e-06))
  p = madd(p, s, splat(-4.39150654e-06))
  p = madd(p, s, splat(0.00021858087))
  p = madd(p, s, splat(-0.00125372503))
  p = madd(p, s, splat(-0.00417768164))
  p = madd(p, s, splat(0.246640727))
  p = madd(p, s, splat(1.50140941))
  const t = f32x4.sub(f32x4.sqrt(w), splat(3))
  let q = splat(-0.000200214257)
  q = madd(q, t, splat(0.000100950558))
  q = madd(q, t, splat(0.00134934322))
  q = madd(q, t, splat(-0.00367342844))
  q = madd(q, t, splat(0.00573950773))
  q = madd(q, t, splat(-0.0076224613))
  q = madd(q, t, splat(0.00943887047))
  q = madd(q, t, splat(1.00167406))
  q = madd(q, t, splat(2.83297682))
  return f32x4.mul(f32x4.mul(select(f32x4.lt(w, splat(5)), p, q), x), splat(1.41421356))
}

@inline
function value(word: v128, kind: i32, param: f32): v128 {
  const u = unit(word)
  if (kind == RANDOM_UNIFORM) return u
  if (kind == RANDOM_BERNOULLI) return v128.and(f32x4.ge(u, splat(param)), splat(1 / (1 - param)))
  return f32x4.mul(quantile(u), splat(param))
}

/** Four results: noise of mean 1 times `src`; without a source (address 0), the noise itself. */
@inline
function applied(word: v128, src: usize, kind: i32, param: f32): v128 {
  const noise = value(word, kind, param)
  if (!src) return noise
  const factor = kind == RANDOM_NORMAL ? f32x4.add(noise, splat(1)) : noise
  return f32x4.mul(v128.load(src), factor)
}

/** Numbers `start` to `count`. `draw`: address of the words count, kind, param (f32), arena, seed low, seed high, stream. */
function fill(dst: usize, src: usize, draw: usize, start: i32, count: i32): void {
  const kind = load<i32>(draw, DRAW_KIND), param = load<f32>(draw, DRAW_PARAM)
  const counter = load<i64>(<usize>load<u32>(draw, DRAW_ARENA), HEADER_RANDOM_COUNTER)
  const stream = i32x4.splat(load<i32>(draw, DRAW_STREAM))
  blocks(load<i32>(draw, DRAW_SEED_LOW), load<i32>(draw, DRAW_SEED_HIGH), i32x4.splat(<i32>counter), stream)
  let key0 = i32x4.extract_lane(first, 0), key1 = i32x4.extract_lane(second, 0)
  const high = <i32>(counter >> 32)
  if (high) {
    blocks(key0, key1, i32x4.splat(high), i32x4.splat(1))
    key0 = i32x4.extract_lane(first, 0)
    key1 = i32x4.extract_lane(second, 0)
  }
  const step: usize = src ? 32 : 0
  let block = i32x4.add(i32x4(0, 1, 2, 3), i32x4.splat(start >> 1))
  dst += <usize>start << 2
  if (src) src += <usize>start << 2
  for (let i = start; i < count; i += 8) {
    blocks(key0, key1, block, i32x4.splat(0))
    block = i32x4.add(block, i32x4.splat(4))
    const low = v128.shuffle<i32>(first, second, 0, 4, 1, 5), high = v128.shuffle<i32>(first, second, 2, 6, 3, 7)
    storeBelow(dst, applied(low, src, kind, param), count - i)
    if (count - i > 4) storeBelow(dst + 16, applied(high, src ? src + 16 : 0, kind, param), count - i - 4)
    dst += 32
    src += step
  }
}

/** words: dst, count, kind, param (f32), arena, seed low, seed high, stream */
export function random(p: usize): void {
  split(randomPart.index, p, load<i32>(p, RANDOM_DRAW), 16, WORK)
}

function randomPart(p: usize, from: i32, end: i32, _: i32): void {
  fill(<usize>load<u32>(p, RANDOM_DST), 0, p + RANDOM_DRAW, from, end)
}

/** words: dst, src (dst may be src), then as `random`: the numbers `random` would give, as factors of src. */
export function dropout(p: usize): void {
  split(dropoutPart.index, p, load<i32>(p, DROPOUT_DRAW), 16, WORK)
}

function dropoutPart(p: usize, from: i32, end: i32, _: i32): void {
  fill(<usize>load<u32>(p, DROPOUT_DST), <usize>load<u32>(p, DROPOUT_SRC), p + DROPOUT_DRAW, from, end)
}
