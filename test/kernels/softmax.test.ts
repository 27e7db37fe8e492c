// Softmax and log-softmax, forward and backward, against float64: ragged shapes, extreme rows, aliased buffers.
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { differences, logSoftmax, softmax } from '../reference/losses'
import { compileEntry } from '../support/compile'
import { type Kernel, kernelOf, type Memory, memoryOf, sample, worst } from '../support/memory'

let memory: Memory
let forward: Kernel
let backward: Kernel

beforeAll(async () => {
  const core = await compileEntry('test/assembly/training-entry.ts')
  memory = memoryOf(core)
  forward = kernelOf(core, 'softmax')
  backward = kernelOf(core, 'softmaxGrad')
}, 60_000)
beforeEach(() => memory.clear())

function byRow(x: ArrayLike<number>, cols: number, f: (row: number[]) => number[]): number[] {
  return Array.from({ length: x.length / cols }, (_, r) =>
    f(Array.from(x).slice(r * cols, (r + 1) * cols)),
  ).flat()
}

const modes = [
  { isLog: 0, name: 'softmax', reference: softmax },
  { isLog: 1, name: 'log-softmax', reference: logSoftmax },
]

describe.each(modes)('$name', ({ isLog, reference }) => {
  for (const rows of [1, 3, 5]) {
    for (const cols of [1, 3, 4, 5, 17, 33]) {
      const x = sample(rows * cols, rows + 10 * cols, 8)

      it(`[${rows}, ${cols}] forward, in place too`, () => {
        const src = memory.put(x)
        const dst = memory.put(new Float64Array(x.length))
        memory.call(forward, [dst, src, rows, cols, isLog])
        const want = byRow(x, cols, reference)
        expect(worst(memory.floats(dst), want)).toBeLessThan(2e-7)
        memory.call(forward, [src, src, rows, cols, isLog])
        expect(memory.floats(src)).toEqual(memory.floats(dst))
      })

      it(`[${rows}, ${cols}] backward, in place too`, () => {
        const y = byRow(x, cols, reference)
        const g = sample(x.length, 3 + rows + cols)
        const dy = memory.put(g)
        const dx = memory.put(new Float64Array(x.length))
        const out = memory.put(y)
        memory.call(backward, [dx, dy, out, rows, cols, isLog])
        const dot = (v: Float64Array) =>
          byRow(v, cols, reference).reduce((a, p, i) => a + p * (g[i] as number), 0)
        expect(worst(memory.floats(dx), differences(dot, x))).toBeLessThan(1e-6)
        memory.call(backward, [dy, dy, out, rows, cols, isLog])
        expect(memory.floats(dy)).toEqual(memory.floats(dx))
      })
    }
  }

  it('extreme rows stay finite, -inf gets probability 0', () => {
    const rows = [
      [1000, 0, -1000, 500, 999],
      [-1000, -1000, -1000, -1000, -999],
      [3e38, -3e38, 0, 3e38, 1],
      [Number.NEGATIVE_INFINITY, 1, Number.NEGATIVE_INFINITY, 2, 3],
    ]
    const src = memory.put(rows.flat())
    memory.call(forward, [src, src, 4, 5, isLog])
    const want = rows.flatMap((row) => reference(row.map(Math.fround)))
    const got = memory.floats(src)
    got.forEach((value, i) => {
      const wanted = Math.fround(want[i] as number)
      if (Number.isFinite(wanted))
        expect(Math.abs(value - wanted)).toBeLessThanOrEqual(3e-7 * Math.max(1, Math.abs(wanted)))
      else expect(value).toBe(wanted)
    })
  })

  it('NaN spoils its own row only', () => {
    const x = [0, 1, Number.NaN, 2, 3, 5, 6, 7, 8, 9]
    const src = memory.put(x)
    memory.call(forward, [src, src, 2, 5, isLog])
    const got = memory.floats(src)
    expect(got.slice(0, 5).every(Number.isNaN)).toBe(true)
    expect(worst(got.slice(5), reference(x.slice(5)))).toBeLessThan(3e-7)
  })
})
