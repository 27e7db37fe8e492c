// The plain recurrent cell: h' = f(x + h . U), f one of linear, relu, sigmoid, tanh. Saves h' [B, T, u], from which
// the slope of each of these is computed.
// Float64 reference: test/reference/kernels/recurrent.ts
import {
  FN_RELU, FN_SIGMOID, FN_TANH, RECURRENT_FN, RECURRENT_GATES, RECURRENT_H, RECURRENT_UNITS, RECURRENT_XZ, RECURRENT_Y,
} from '../abi'
import { splat } from '../lanes'
import { sigmoid, tanh } from '../math'
import { backward, forward, productRow, rowOf, walk } from './recurrent'
import { storeBelow } from './tails'

function simpleRow(p: usize, at: i32, b: i32): void {
  const u = load<i32>(p, RECURRENT_UNITS), fn = load<i32>(p, RECURRENT_FN)
  const x = rowOf(p, RECURRENT_XZ, at, 1), z = productRow(p, b, 1), saved = rowOf(p, RECURRENT_GATES, at, 1)
  const h = rowOf(p, RECURRENT_H, b, 1)
  for (let j = 0; j < u; j += 4) {
    const k = <usize>j << 2
    let y = f32x4.add(v128.load(x + k), v128.load(z + k))
    if (fn == FN_TANH) y = tanh(y)
    else if (fn == FN_RELU) y = f32x4.max(y, splat(0))
    else if (fn == FN_SIGMOID) y = sigmoid(y)
    storeBelow(saved + k, y, u - j)
    storeBelow(h + k, y, u - j)
  }
}

/** dz = dh f', by h': 1 - h'^2, h' > 0, h' (1 - h'), 1. dxz may lie where h' lies. */
function simpleGradRow(p: usize, at: i32, b: i32): void {
  const u = load<i32>(p, RECURRENT_UNITS), fn = load<i32>(p, RECURRENT_FN)
  const dz = rowOf(p, RECURRENT_Y, at, 1), saved = rowOf(p, RECURRENT_GATES, at, 1), dh = rowOf(p, RECURRENT_H, b, 1)
  const one = splat(1)
  for (let j = 0; j < u; j += 4) {
    const k = <usize>j << 2
    const y = v128.load(saved + k)
    let d = v128.load(dh + k)
    if (fn == FN_TANH) d = f32x4.mul(d, f32x4.sub(one, f32x4.mul(y, y)))
    else if (fn == FN_RELU) d = v128.and(d, f32x4.gt(y, splat(0)))
    else if (fn == FN_SIGMOID) d = f32x4.mul(f32x4.mul(d, y), f32x4.sub(one, y))
    storeBelow(dz + k, d, u - j)
    storeBelow(dh + k, splat(0), u - j)
  }
}

/** words: see recurrent.ts */
export function simpleRnn(p: usize): void {
  walk(simpleRnnPart.index, p, 1)
}

function simpleRnnPart(p: usize, from: i32, end: i32, part: i32): void {
  forward(p, from, end, part, 1, simpleRow.index, 0)
}

export function simpleRnnGrad(p: usize): void {
  walk(simpleRnnGradPart.index, p, 1)
}

function simpleRnnGradPart(p: usize, from: i32, end: i32, part: i32): void {
  backward(p, from, end, part, 1, 1, simpleGradRow.index, 0)
}
