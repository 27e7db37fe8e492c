// The build's proof that binaries over one memory and one function table don't overlap: it holds for what was built, and is
// seen to fail where a range is too small.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { checkRanges } from '../../scripts/ranges.mjs'

const { targets } = JSON.parse(readFileSync('asconfig.json', 'utf8')) as {
  targets: Record<string, { outFile: string; memoryBase: number; tableBase?: number }>
}
const read = (name: string) => readFileSync(targets[name].outFile)
const taken = checkRanges(targets, read)

test('every binary takes places in both', () => {
  expect([...taken.keys()].sort()).toEqual(Object.keys(targets).sort())
  for (const { memory, table } of taken.values()) {
    expect(memory[1]).toBeGreaterThan(memory[0])
    expect(table[1]).toBeGreaterThan(table[0])
  }
})

test.each(['memory', 'table'] as const)('%s: a base that the binary before it passes', (kind) => {
  const key = kind === 'memory' ? 'memoryBase' : 'tableBase'
  const end = taken.get('recurrent')?.[kind][1] ?? 0
  const moved = (base: number) => ({ ...targets, attention: { ...targets.attention, [key]: base } })
  expect(() => checkRanges(moved(end), read)).not.toThrow()
  expect(() => checkRanges(moved(end - 1), read)).toThrow(
    /^recurrent.wasm takes .*: attention.wasm begins at/,
  )
})

test('a binary that begins in front of its range', () => {
  const moved = { ...targets, random: { ...targets.random, memoryBase: 1100 } }
  expect(() => checkRanges(moved, read)).toThrow(/^random.wasm takes bytes .*: 1100 is the least/)
})
