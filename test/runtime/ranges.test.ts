// The build's proof that binaries over one memory and one function table don't overlap: it holds for what was built, and is
// seen to fail where a range is too small or a binary has data.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { checkRanges } from '../../scripts/ranges.mjs'

const { targets } = JSON.parse(readFileSync('asconfig.json', 'utf8')) as {
  targets: Record<string, { outFile: string; tableBase?: number }>
}
const read = (name: string) => readFileSync(targets[name].outFile)
const taken = checkRanges(targets, read)

test('every binary takes places of the table', () => {
  expect([...taken.keys()].sort()).toEqual(Object.keys(targets).sort())
  for (const [first, end] of taken.values()) expect(end).toBeGreaterThan(first)
})

test('a base that the binary before it passes', () => {
  const [, end] = taken.get('recurrent') ?? [0, 0]
  const moved = (tableBase: number) => ({ ...targets, attention: { ...targets.attention, tableBase } })
  expect(() => checkRanges(moved(end), read)).not.toThrow()
  expect(() => checkRanges(moved(end - 1), read)).toThrow(
    /^recurrent.wasm takes .*: attention.wasm begins at/,
  )
})

test('a binary that begins in front of its range', () => {
  const moved = { ...targets, random: { ...targets.random, tableBase: 129 } }
  expect(() => checkRanges(moved, read)).toThrow(/^random.wasm takes places 128 .*: 129 is the least/)
})

test('a binary with data in the memory', () => {
  const data = [11, 7, 1, 0, 0x41, 0, 0x0b, 1, 42] // one segment: a byte at 0
  const withData = (name: string) =>
    name === 'pooling' ? Buffer.concat([read(name), Buffer.from(data)]) : read(name)
  expect(() => checkRanges(targets, withData)).toThrow('pooling.wasm has data in the memory')
})
