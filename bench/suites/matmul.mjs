// Suite `matmul`: products with operands and result resident in the subject, GFLOP/s (a multiply-add is two).
// Enters: subjects that can multiply. Leaves: rows and complaints. Each subject's result is compared with float64
// sums first, so nothing lazy or wrong is timed.
import { interleave } from '../harness.mjs'
import { multiplyAddLimit } from '../limit.mjs'
import { products } from '../problems.mjs'
import { LIMIT, rowsOf } from '../report.mjs'

export const name = 'matmul'

export const cases = () => products()

/**
 * @param {import('../problems.mjs').Product} product
 * @param {import('../subjects/index.mjs').Subject[]} subjects
 * @param {import('../harness.mjs').Timing} timing
 */
export async function runCase(product, subjects, timing) {
  const errors = []
  const running = []
  for (const subject of subjects) {
    if (!subject.matmul) continue
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
      ...running.map(({ subject, handle }) => ({ activate: subject.activate, run: handle.run })),
      { run: limit.run },
    ],
    timing,
  )
  for (const { subject, handle } of running) {
    await subject.activate?.()
    handle.dispose()
  }
  const flops = 2 * product.m * product.k * product.n
  const rows = rowsOf(name, product.name, 'GFLOP/s', [
    ...running.map(({ subject }, i) => ({ subject: subject.name, samplesMs: samples[i], flops })),
    { subject: LIMIT, samplesMs: samples[running.length], flops: limit.flopsPerCall },
  ])
  return { rows, errors }
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
