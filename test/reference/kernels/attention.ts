// Embeddings and attention in float64, one element at a time, from the formulas.
import type { Transposes } from '../../../src/graph/ops/matmul.ts'
import type { AttentionAttributes } from '../../../src/operations/attention.ts'
import type { KernelReference } from './reference.ts'

const gather: KernelReference<object> = ({ inputs, output }, [table, ids]) => {
  const [rows, width] = inputs[0].shape
  const out = new Float64Array(output.shape.reduce((a, b) => a * b, 1))
  return [
    out.map((_, i) => {
      const id = ids[Math.floor(i / width)]
      return id >= 0 && id < rows ? table[id * width + (i % width)] : 0
    }),
  ]
}

const gatherGrad: KernelReference<object> = ({ output }, [dy, ids]) => {
  const [rows, width] = output.shape
  const out = new Float64Array(rows * width)
  for (let i = 0; i < dy.length; i++) {
    const id = ids[Math.floor(i / width)]
    if (id >= 0 && id < rows) out[id * width + (i % width)] += dy[i]
  }
  return [out]
}

const nonZero: KernelReference<object> = (_, [ids]) => [Float64Array.from(ids, (id) => (id === 0 ? 0 : 1))]

/** Sizes, and places: rows of the flat arrays and of the probabilities. */
function placesOf(shapes: readonly (readonly number[])[], heads: number) {
  const [[batch, Tq, width], [, Tk], [, , wide]] = shapes
  const K = width / heads
  const V = wide / heads
  return {
    ...{ batch, Tq, Tk, K, V },
    q: (b: number, h: number, i: number, c: number) => (b * Tq + i) * width + h * K + c,
    k: (b: number, h: number, j: number, c: number) => (b * Tk + j) * width + h * K + c,
    v: (b: number, h: number, j: number, c: number) => (b * Tk + j) * wide + h * V + c,
    o: (b: number, h: number, i: number, c: number) => (b * Tq + i) * wide + h * V + c,
    p: (b: number, h: number, i: number, j: number) => ((b * heads + h) * Tq + i) * Tk + j,
  }
}

const attention: KernelReference<AttentionAttributes> = ({ inputs, attributes }, x) => {
  const { heads, scale, causal, masked, dropped } = attributes
  const at = placesOf(
    inputs.map(({ shape }) => shape),
    heads,
  )
  const [q, k, v] = x
  const mask = masked ? x[3] : null
  const keep = dropped ? x[x.length - 1] : null
  const out = new Float64Array(at.batch * at.Tq * heads * at.V)
  const probabilities = new Float64Array(at.batch * heads * at.Tq * at.Tk)
  for (let b = 0; b < at.batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < at.Tq; i++) {
        const terms: number[] = []
        for (let j = 0; j < at.Tk; j++) {
          const counts = (!causal || j <= i) && (mask === null || mask[b * at.Tk + j] !== 0)
          let score = 0
          for (let c = 0; c < at.K; c++) score += q[at.q(b, h, i, c)] * k[at.k(b, h, j, c)]
          terms.push(counts ? Math.exp(score * scale) : 0)
        }
        const sum = terms.reduce((a, b) => a + b, 0)
        for (let j = 0; j < at.Tk; j++) {
          const p = sum === 0 ? 0 : terms[j] / sum
          probabilities[at.p(b, h, i, j)] = p
          const factor = keep ? keep[at.p(b, h, i, j)] : 1
          for (let c = 0; c < at.V; c++) out[at.o(b, h, i, c)] += p * factor * v[at.v(b, h, j, c)]
        }
      }
    }
  }
  return [out, probabilities]
}

const attentionGrad: KernelReference<AttentionAttributes> = ({ inputs, attributes }, x) => {
  const { heads, scale, dropped } = attributes
  const at = placesOf(
    inputs.map(({ shape }) => shape),
    heads,
  )
  const [q, k, v] = x
  const [p, dOut] = x.slice(-2)
  const keep = dropped ? x[3] : null
  const [dq, dk, dv] = [q, k, v].map(({ length }) => new Float64Array(length))
  for (let b = 0; b < at.batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < at.Tq; i++) {
        const dp: number[] = []
        for (let j = 0; j < at.Tk; j++) {
          const factor = keep ? keep[at.p(b, h, i, j)] : 1
          let sum = 0
          for (let c = 0; c < at.V; c++) {
            sum += dOut[at.o(b, h, i, c)] * v[at.v(b, h, j, c)]
            dv[at.v(b, h, j, c)] += p[at.p(b, h, i, j)] * factor * dOut[at.o(b, h, i, c)]
          }
          dp.push(sum * factor)
        }
        const mean = dp.reduce((sum, d, j) => sum + d * p[at.p(b, h, i, j)], 0)
        for (let j = 0; j < at.Tk; j++) {
          const ds = p[at.p(b, h, i, j)] * (dp[j] - mean) * scale
          for (let c = 0; c < at.K; c++) {
            dq[at.q(b, h, i, c)] += ds * k[at.k(b, h, j, c)]
            dk[at.k(b, h, j, c)] += ds * q[at.q(b, h, i, c)]
          }
        }
      }
    }
  }
  return [dq, dk, dv]
}

const batchMatmul: KernelReference<Required<Transposes>> = ({ inputs, output, attributes }, [a, b]) => {
  const [M, N] = output.shape.slice(-2)
  const K = inputs[0].shape.at(attributes.transposeA ? -2 : -1) ?? 0
  const out = new Float64Array(output.shape.reduce((x, y) => x * y, 1))
  return [
    out.map((_, at) => {
      const n = at % N
      const m = Math.floor(at / N) % M
      const one = Math.floor(at / (M * N))
      let sum = 0
      for (let i = 0; i < K; i++) {
        const left = attributes.transposeA ? i * M + m : m * K + i
        const right = attributes.transposeB ? n * K + i : i * N + n
        sum += a[one * M * K + left] * b[one * K * N + right]
      }
      return sum
    }),
  ]
}

export const attentionReferences = { gather, gatherGrad, nonZero, attention, attentionGrad, batchMatmul }
