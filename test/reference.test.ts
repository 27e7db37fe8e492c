// The reference: every public name has a docstring, every @example runs and prints what it says. Names still without an
// example are listed in test/names-without-example.json; the list may only shrink.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { docsOf, publicNames } from './public-names.ts'
import { runExample, unfulfilled } from './run-example.ts'

const withoutExample: string[] = JSON.parse(
  readFileSync(new URL('names-without-example.json', import.meta.url), 'utf8'),
)
const values = publicNames.filter(({ isType }) => !isType)

test('the reader of names finds functions, constants, classes and types', () => {
  const found = new Map(publicNames.map((item) => [item.name, item]))
  expect(found.get('sequential')).toMatchObject({ isType: false, path: 'src/model/create.ts' })
  expect(found.get('dense')?.isType).toBe(false)
  expect(found.get('LanegradError')).toMatchObject({ isType: false, path: 'src/numerics/lanegrad-error.ts' })
  expect(found.get('FitOptions')?.isType).toBe(true)
  expect(found.get('init')?.doc).toMatch(/^Loads the compiled kernels/)
})

test('every public name is documented', () => {
  expect(publicNames.filter(({ doc }) => doc === '').map(({ name, path }) => `${name} (${path})`)).toEqual([])
})

describe('names without an example', () => {
  const missing = [...new Set(values.filter(({ doc }) => !doc.includes('@example')).map(({ name }) => name))]

  test('are those of the list', () => {
    expect(missing.filter((name) => !withoutExample.includes(name))).toEqual([])
  })

  test('are as many: a name that has got one leaves the list', () => {
    expect(withoutExample.filter((name) => !missing.includes(name))).toEqual([])
  })
})

const examples = [...new Set(publicNames.map(({ path }) => path))].flatMap((path) =>
  docsOf(path)
    .flatMap((doc) => doc.split('@example').slice(1))
    .map((text): [where: string, code: string] => {
      const [, code] = /^\s*```js\n(.*?)\n```/s.exec(text) ?? []
      if (code === undefined) throw new Error(`${path}: an @example is a block of js: ${text.slice(0, 80)}`)
      return [`${path}: ${/^(?:const|console|await).*$/m.exec(code)?.[0] ?? code.slice(0, 60)}`, code]
    }),
)

test.each(examples)('%s', async (_, code) => {
  expect(unfulfilled(code, await runExample(code))).toEqual([])
})
