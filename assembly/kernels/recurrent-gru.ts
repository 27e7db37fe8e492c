// GRU (Cho et al. 2014). Column blocks in the order z, r, n (Keras: z, r, h):  h' = z h + (1 - z) n,
//   gru         n = tanh(x_n + r q),  q = (h . U + bias)_n   (the reset gate behind the product; Keras, cuDNN, PyTorch)
//   gruBefore   n = tanh(x_n + (r h) . U2)                   (before it: a second product)
// Saved: gru z, r, n, q [B, T, 4 u]; gruBefore z, r, n [B, T, 3 u] and r h [B, T, u].
// Float64 reference: test/reference/kernels/recurrent.ts
import {
  RECURRENT_BEFORE, RECURRENT_BIAS, RECURRENT_GATES, RECURRENT_H, RECURRENT_SAVED, RECURRENT_UNITS, RECURRENT_XZ,
  RECURRENT_Y,
} from '../abi'
import { madd, splat } from '../lanes'
import { tanh } from '../math'
import { backward, forward, productRow, rowOf, secondRow, sigmoids, walk } from './recurrent'
import { storeBelow } from './tails'

/** z h + (1 - z) n */
@inline
function between(z: v128, h: v128, n: v128): v128 {
  return madd(z, f32x4.sub(h, n), n)
}

/** d s (1 - s): back through a sigmoid of value s. */
@inline
function throughSigmoid(d: v128, s: v128): v128 {
  return f32x4.mul(f32x4.mul(d, s), f32x4.sub(splat(1), s))
}

/** Back to the argument of n: dh (1 - z) (1 - n^2). */
@inline
function throughNew(d: v128, z: v128, n: v128): v128 {
  return f32x4.mul(f32x4.mul(d, f32x4.sub(splat(1), z)), f32x4.sub(splat(1), f32x4.mul(n, n)))
}

function gruRow(p: usize, at: i32, b: i32): void {
  const u = load<i32>(p, RECURRENT_UNITS), step = <usize>u << 2
  const x = rowOf(p, RECURRENT_XZ, at, 3), product = productRow(p, b, 3), gates = rowOf(p, RECURRENT_GATES, at, 4)
  const h = rowOf(p, RECURRENT_H, b, 1)
  sigmoids(gates, x, product, 2 * u)
  for (let j = 0; j < u; j += 4) {
    const k0 = <usize>j << 2, k1 = k0 + step, k2 = k1 + step
    const z = v128.load(gates + k0), q = v128.load(product + k2)
    const n = tanh(madd(v128.load(gates + k1), q, v128.load(x + k2)))
    storeBelow(gates + k2, n, u - j)
    storeBelow(gates + k2 + step, q, u - j)
    storeBelow(h + k0, between(z, v128.load(h + k0), n), u - j)
  }
}

/**
 *   dn = dh (1 - z) (1 - n^2),   dz = dh (h - n) z (1 - z),   dr = dn q r (1 - r),   dq = dn r
 * dxz gets dz, dr, dn; dhz gets dz, dr, dq.
 */
function gruGradRow(p: usize, at: i32, b: i32): void {
  const u = load<i32>(p, RECURRENT_UNITS), step = <usize>u << 2
  const gates = rowOf(p, RECURRENT_GATES, at, 4), before = rowOf(p, RECURRENT_BEFORE, at, 1)
  const dx = rowOf(p, RECURRENT_Y, at, 3), dhz = rowOf(p, RECURRENT_BIAS, at, 3), dh = rowOf(p, RECURRENT_H, b, 1)
  for (let j = 0; j < u; j += 4) {
    const k0 = <usize>j << 2, k1 = k0 + step, k2 = k1 + step
    const z = v128.load(gates + k0), r = v128.load(gates + k1), n = v128.load(gates + k2)
    const q = v128.load(gates + k2 + step), d = v128.load(dh + k0)
    const dn = throughNew(d, z, n)
    const dz = throughSigmoid(f32x4.mul(d, f32x4.sub(v128.load(before + k0), n)), z)
    const dr = throughSigmoid(f32x4.mul(dn, q), r)
    storeBelow(dx + k0, dz, u - j)
    storeBelow(dx + k1, dr, u - j)
    storeBelow(dx + k2, dn, u - j)
    storeBelow(dhz + k0, dz, u - j)
    storeBelow(dhz + k1, dr, u - j)
    storeBelow(dhz + k2, f32x4.mul(dn, r), u - j)
    storeBelow(dh + k0, f32x4.mul(d, z), u - j)
  }
}

function resetRow(p: usize, at: i32, b: i32): void {
  const u = load<i32>(p, RECURRENT_UNITS), step = <usize>u << 2
  const x = rowOf(p, RECURRENT_XZ, at, 3), product = productRow(p, b, 2), gates = rowOf(p, RECURRENT_GATES, at, 3)
  const h = rowOf(p, RECURRENT_H, b, 1), left = secondRow(p, b, 2, 0), saved = rowOf(p, RECURRENT_SAVED, at, 1)
  sigmoids(gates, x, product, 2 * u)
  for (let j = 0; j < u; j += 4) {
    const k0 = <usize>j << 2
    const rh = f32x4.mul(v128.load(gates + k0 + step), v128.load(h + k0))
    storeBelow(left + k0, rh, u - j)
    storeBelow(saved + k0, rh, u - j)
  }
}

function newRow(p: usize, at: i32, b: i32): void {
  const u = load<i32>(p, RECURRENT_UNITS), step = <usize>u << 2
  const x = rowOf(p, RECURRENT_XZ, at, 3) + 2 * step, gates = rowOf(p, RECURRENT_GATES, at, 3)
  const h = rowOf(p, RECURRENT_H, b, 1), result = secondRow(p, b, 2, 1)
  for (let j = 0; j < u; j += 4) {
    const k = <usize>j << 2
    const n = tanh(f32x4.add(v128.load(x + k), v128.load(result + k)))
    storeBelow(gates + k + 2 * step, n, u - j)
    storeBelow(h + k, between(v128.load(gates + k), v128.load(h + k), n), u - j)
  }
}

/** dn and dz as above; dn is the left side of d(r h) = dn . U2^T */
function newGradRow(p: usize, at: i32, b: i32): void {
  const u = load<i32>(p, RECURRENT_UNITS), step = <usize>u << 2
  const gates = rowOf(p, RECURRENT_GATES, at, 3), before = rowOf(p, RECURRENT_BEFORE, at, 1)
  const dx = rowOf(p, RECURRENT_Y, at, 3), dh = rowOf(p, RECURRENT_H, b, 1), left = secondRow(p, b, 2, 0)
  for (let j = 0; j < u; j += 4) {
    const k = <usize>j << 2
    const z = v128.load(gates + k), n = v128.load(gates + k + 2 * step), d = v128.load(dh + k)
    const dn = throughNew(d, z, n)
    storeBelow(dx + k, throughSigmoid(f32x4.mul(d, f32x4.sub(v128.load(before + k), n)), z), u - j)
    storeBelow(dx + k + 2 * step, dn, u - j)
    storeBelow(left + k, dn, u - j)
    storeBelow(dh + k, f32x4.mul(d, z), u - j)
  }
}

/** dr = d(r h) h r (1 - r),   dh += d(r h) r */
function resetGradRow(p: usize, at: i32, b: i32): void {
  const u = load<i32>(p, RECURRENT_UNITS), step = <usize>u << 2
  const r = rowOf(p, RECURRENT_GATES, at, 3) + step, before = rowOf(p, RECURRENT_BEFORE, at, 1)
  const dr = rowOf(p, RECURRENT_Y, at, 3) + step, dh = rowOf(p, RECURRENT_H, b, 1), result = secondRow(p, b, 2, 1)
  for (let j = 0; j < u; j += 4) {
    const k = <usize>j << 2
    const d = v128.load(result + k), gate = v128.load(r + k)
    storeBelow(dr + k, throughSigmoid(f32x4.mul(d, v128.load(before + k)), gate), u - j)
    storeBelow(dh + k, madd(d, gate, v128.load(dh + k)), u - j)
  }
}

/** words: see recurrent.ts */
export function gru(p: usize): void {
  walk(gruPart.index, p, 3)
}

function gruPart(p: usize, from: i32, end: i32, part: i32): void {
  forward(p, from, end, part, 3, gruRow.index, 0)
}

export function gruGrad(p: usize): void {
  walk(gruGradPart.index, p, 3)
}

function gruGradPart(p: usize, from: i32, end: i32, part: i32): void {
  backward(p, from, end, part, 3, 3, gruGradRow.index, 0)
}

export function gruBefore(p: usize): void {
  walk(gruBeforePart.index, p, 3)
}

function gruBeforePart(p: usize, from: i32, end: i32, part: i32): void {
  forward(p, from, end, part, 2, resetRow.index, newRow.index)
}

export function gruBeforeGrad(p: usize): void {
  walk(gruBeforeGradPart.index, p, 3)
}

function gruBeforeGradPart(p: usize, from: i32, end: i32, part: i32): void {
  backward(p, from, end, part, 3, 2, newGradRow.index, resetGradRow.index)
}
