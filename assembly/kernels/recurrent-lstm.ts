// LSTM (Hochreiter and Schmidhuber 1997; with the forget gate of Gers 2000). Column blocks in the order i, f, g, o:
//   c' = sigmoid(f) c + sigmoid(i) tanh(g),   h' = sigmoid(o) tanh(c')
// Saves the activated gates [B, T, 4 u] and c before each step; c' is computed again on the way back.
// Float64 reference: test/reference/kernels/recurrent.ts
import {
  RECURRENT_C, RECURRENT_GATES, RECURRENT_H, RECURRENT_SAVED, RECURRENT_UNITS, RECURRENT_XZ, RECURRENT_Y,
} from '../abi'
import { madd, splat } from '../lanes'
import { tanh } from '../math'
import { backward, forward, productRow, rowOf, sigmoids, tanhs, walk } from './recurrent'
import { storeBelow } from './tails'

function lstmRow(p: usize, at: i32, b: i32): void {
  const u = load<i32>(p, RECURRENT_UNITS), n = <usize>u << 2
  const x = rowOf(p, RECURRENT_XZ, at, 4), z = productRow(p, b, 4), gates = rowOf(p, RECURRENT_GATES, at, 4)
  const h = rowOf(p, RECURRENT_H, b, 1), c = rowOf(p, RECURRENT_C, b, 1)
  sigmoids(gates, x, z, 2 * u)
  tanhs(gates + 2 * n, x + 2 * n, z + 2 * n, u)
  sigmoids(gates + 3 * n, x + 3 * n, z + 3 * n, u)
  let k: usize = 0
  for (const whole = n & ~15; k < whole; k += 16) lstmCell(gates + k, c + k, h + k, n, 4)
  if (u & 3) lstmCell(gates + k, c + k, h + k, n, u & 3)
}

@inline
function lstmCell(gates: usize, c: usize, h: usize, n: usize, count: i32): void {
  const f = gates + n, g = f + n
  const next = madd(v128.load(f), v128.load(c), f32x4.mul(v128.load(gates), v128.load(g)))
  const y = f32x4.mul(v128.load(g + n), tanh(next))
  storeBelow(c, next, count)
  storeBelow(h, y, count)
}

/**
 *   do = dh tanh(c') o (1 - o),   dc' = dc + dh o (1 - tanh(c')^2)
 *   df = dc' c f (1 - f),   di = dc' g i (1 - i),   dg = dc' i (1 - g^2),   dc = dc' f
 * dxz may lie where the gates lie.
 */
function lstmGradRow(p: usize, at: i32, b: i32): void {
  const u = load<i32>(p, RECURRENT_UNITS), n = <usize>u << 2
  const dz = rowOf(p, RECURRENT_Y, at, 4), gates = rowOf(p, RECURRENT_GATES, at, 4)
  const before = rowOf(p, RECURRENT_SAVED, at, 1)
  const dh = rowOf(p, RECURRENT_H, b, 1), dc = rowOf(p, RECURRENT_C, b, 1)
  let k: usize = 0
  for (const whole = n & ~15; k < whole; k += 16) lstmGradCell(dz + k, gates + k, before + k, dh + k, dc + k, n, 4)
  if (u & 3) lstmGradCell(dz + k, gates + k, before + k, dh + k, dc + k, n, u & 3)
}

@inline
function lstmGradCell(dz: usize, gates: usize, before: usize, dh: usize, dc: usize, n: usize, count: i32): void {
  const one = splat(1), gf = gates + n, gg = gf + n, go = gg + n
  const i = v128.load(gates), f = v128.load(gf), g = v128.load(gg), o = v128.load(go)
  const c = v128.load(before), d = v128.load(dh)
  const t = tanh(madd(f, c, f32x4.mul(i, g)))
  const through = f32x4.mul(f32x4.mul(d, o), f32x4.sub(one, f32x4.mul(t, t)))
  const e = f32x4.add(v128.load(dc), through)
  const di = f32x4.mul(f32x4.mul(f32x4.mul(e, g), i), f32x4.sub(one, i))
  const df = f32x4.mul(f32x4.mul(f32x4.mul(e, c), f), f32x4.sub(one, f))
  const dg = f32x4.mul(f32x4.mul(e, i), f32x4.sub(one, f32x4.mul(g, g)))
  const dO = f32x4.mul(f32x4.mul(f32x4.mul(d, t), o), f32x4.sub(one, o))
  const zf = dz + n, zg = zf + n, zo = zg + n
  storeBelow(dz, di, count)
  storeBelow(zf, df, count)
  storeBelow(zg, dg, count)
  storeBelow(zo, dO, count)
  storeBelow(dc, f32x4.mul(e, f), count)
  storeBelow(dh, splat(0), count)
}

/** words: see recurrent.ts */
export function lstm(p: usize): void {
  walk(lstmPart.index, p, 4)
}

function lstmPart(p: usize, from: i32, end: i32, part: i32): void {
  forward(p, from, end, part, 4, lstmRow.index, 0)
}

export function lstmGrad(p: usize): void {
  walk(lstmGradPart.index, p, 4)
}

function lstmGradPart(p: usize, from: i32, end: i32, part: i32): void {
  backward(p, from, end, part, 4, 4, lstmGradRow.index, 0)
}
