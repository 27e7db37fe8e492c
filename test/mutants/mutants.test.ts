// The changes in this folder can be made: what each replaces stands once in its file.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

interface Mutant {
  readonly file: string
  readonly from: string
  readonly to: string
}

const here = new URL('.', import.meta.url)
const root = new URL('../../', here)
const lists = readdirSync(here).filter((name) => name.endsWith('.json'))

test.each(lists)('%s', (list) => {
  const mutants: Mutant[] = JSON.parse(readFileSync(new URL(list, here), 'utf8'))
  expect(mutants.length).toBeGreaterThan(0)
  const stale = mutants.filter(({ file, from, to }) => {
    const path = new URL(file, root)
    return !existsSync(path) || from === to || readFileSync(path, 'utf8').split(from).length !== 2
  })
  expect(stale).toEqual([])
})
