// Suite `matmul`: products with operands and result resident in the subject, GFLOP/s (a multiply-add is two).
// Enters: subjects that can multiply. Leaves: rows and complaints. Each subject's result is compared with float64
// sums first, so nothing lazy or wrong is timed.
import { interleave } from '../harness.mjs'
import { beyond, multiplyAddLimit } from '../limit.mjs'
import { products } from '../problems.mjs'
import { LIMIT, OURS, rowsOf } from '../report.mjs'
import { TOO_SLOW } from '../subjects/index.mjs'

export const name = 'matmul'
export const title = 'C = op(A).op(B), sizes m x k x n, GFLOP/s (more is better)'

export const cases = () => products()

/**
 * @param {ReturnType<typeof products>[number]} one
 * @param {import('../subjects/index.mjs').Subject[]} subjects
 * @param {import('../harness.mjs').Timing} timing
 */
export async function runCase(one, subjects, timing) {
  const product = one.make()
  const errors = []
  const notes = []
  const flops = 2 * product.m * product.k * product.n
  const running = []
  for (const subject of subjects) {
    if (!subject.matmul) continue
    if (flops > (subject.slowMatmul ?? Infinity)) {
      notes.push({ subject: subject.name, net: product.name, reason: TOO_SLOW })
      continue
    }
    try {
      await subject.activate?.()
      const handle = await subject.matmul(product)
      await handle.run()
      const error = wrongEntry(product, await handle.read())
      if (error) errors.push(`${product.name}: ${subject.name}: ${error}`)
      running.push({ subject, handle })
    } catch (error) {
      errors.push(`${product.name}: ${subject.name}: ${error}`)
    }
  }
  const limit = multiplyAddLimit()
  const samples = await interleave(
    [
      ...running.map(({ subject, handle }) => ({
        activate: subject.activate,
        run: handle.run,
        time: handle.time,
      })),
      { run: limit.run },
    ],
    timing,
  )
  for (const { subject, handle } of running) {
    await subject.activate?.()
    handle.dispose()
  }
  const limits = samples[running.length]
  const most = limit.flopsPerCall / Math.min(...limits)
  const share = (/** @type {number[]} */ ms) => flops / Math.min(...ms) / most
  const own = running.findIndex(({ subject }) => subject.name === OURS)
  if (own >= 0) errors.push(...beyond(product.name, share(samples[own])))
  const rows = rowsOf(name, product.name, 'GFLOP/s', [
    ...running.map(({ subject }, i) => ({
      subject: subject.name,
      samplesMs: samples[i],
      flops,
      share: subject.name === OURS ? share(samples[i]) : null,
    })),
    { subject: LIMIT, samplesMs: limits, flops: limit.flopsPerCall },
  ])
  return { rows, errors, notes }
}

/** Compares about 100 entries of C, ends included. @param {import('../problems.mjs').Product} p @param {ArrayLike<number>} c */
function wrongEntry({ form, m, k, n, a, b }, c) {
  if (c.length !== m * n) return `result has ${c.length} entries, expected ${m * n}`
  const stride = Math.max(1, Math.floor((m * n - 1) / 97))
  for (let entry = m * n - 1; entry >= 0; entry -= stride) {
    const row = Math.floor(entry / n),
      col = entry % n
    let sum = 0
    for (let t = 0; t < k; t++) {
      sum += a[form === 'At.B' ? t * m + row : row * k + t] * b[form === 'A.Bt' ? col * k + t : t * n + col]
    }
    // operands lie in [-1, 1]: k roundings of partial sums below k, in practice far fewer
    if (!(Math.abs(c[entry] - sum) <= 1e-6 * k + 1e-6))
      return `C[${row},${col}] is ${c[entry]}, expected ${sum}`
  }
  return null
}
