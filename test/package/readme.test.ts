// The README's programs run as they stand there, against the source, and do what the README says of them.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { runExample } from '../support/run-example.ts'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const programs = [...readme.matchAll(/```(?:js|ts)\n(.*?)```/gs)].map(([, code]) => code)

test('the README has programs, each importing from lanegrad', () => {
  expect(programs.length).toBeGreaterThanOrEqual(2)
  for (const code of programs) expect(code).toContain("from 'lanegrad'")
})

test('the first model learns XOR', async () => {
  const { printed } = await runExample(programs[0])
  const [a, b, c, d] = printed[0][0] as Float32Array
  for (const small of [a, d]) expect(small).toBeLessThan(0.2)
  for (const large of [b, c]) expect(large).toBeGreaterThan(0.8)
})

test('the functional model trains with a loss for each output', async () => {
  const { model } = await runExample(programs[1])
  const logs = model!.trainStep(new Float32Array(32).fill(0.5), {
    kind: [
      [1, 0, 0],
      [0, 1, 0],
    ],
    size: [1, 2],
  })
  expect(Object.keys(logs)).toEqual(['loss', 'kind_loss', 'size_loss'])
  expect(Number.isFinite(logs.loss)).toBe(true)
})

test('two networks over the same weights train in turns', async () => {
  const { printed } = await runExample(programs[2])
  expect(Number.isFinite(printed[0][0])).toBe(true)
})

test("a layer of one's own trains", async () => {
  const { model, printed } = await runExample(programs[3])
  expect(Number.isFinite(printed[0][0])).toBe(true)
  expect(Object.keys(model!.gradients([[1, 2, 3]], [[1]]))).toContain('scaled_1/scale')
})

test.each(programs.slice(4).map((code) => [code]))('runs: %s', async (code) => {
  await runExample(code)
})
