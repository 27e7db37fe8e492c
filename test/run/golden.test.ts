// The bits of the full library for the networks of the golden cases: all layers, losses, optimizers and schedules they have.
// Every tenth of them here, all with CI=1.
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { freeze } from '../../src/freeze/index.ts'
import type { Model } from '../../src/index.ts'
import { missing, modelOf, tensorsOf } from '../golden-runner/build.ts'
import type { GoldenBatch, GoldenCase } from '../golden-runner/case.ts'
import { casesIn } from '../golden-runner/command.ts'
import { differences, type Fed } from '../support/frozen.ts'

const cases = casesIn(fileURLToPath(new URL('../golden', import.meta.url)))

/** A weight for every row of every output, where a case has weights for some. */
function fedOf({ x, y, w }: GoldenBatch): Fed {
  const ones = (rows: number) => ({ shape: [rows], data: Array<number>(rows).fill(1) })
  const weights = Object.entries(y).map(([name, { shape }]) => [name, w?.[name] ?? ones(shape[0])])
  return {
    ...{ x: tensorsOf(x), y: tensorsOf(y) },
    ...(w && { sampleWeight: tensorsOf(Object.fromEntries(weights)) }),
  }
}

const rowsOf = ({ x }: GoldenBatch): number => Object.values(x)[0].shape[0]
const isOpen = ({ model }: GoldenCase): boolean => model.inputs.some(({ shape }) => shape.includes(null))

const every = process.env.CI ? 1 : 10
test.each(
  cases
    .filter((golden, i) => i % every === 0 && missing(golden).length === 0)
    .map((golden) => [golden.id, golden] as const),
)('%s', async (_, golden) => {
  const own = modelOf(golden) as unknown as Model
  const { batches, params, state } = golden
  own.setWeights(tensorsOf({ ...params, ...state }))
  if (isOpen(golden)) {
    expect(() => freeze(own)).toThrow(/input .* has an axis of unknown length/)
    return
  }
  const rows = rowsOf(batches[0])
  const alike = batches.filter((batch) => rowsOf(batch) === rows)
  expect(await differences(own, rows, 3, (step) => fedOf(alike[step % alike.length]))).toEqual([])
  own.dispose()
})
