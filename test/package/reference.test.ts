// The reference: every public name has a docstring, every value's an @example of its own; each runs and prints what the
// comments behind its console.log lines say, in their order.
import { expect, test } from 'vitest'
import { docsOf, publicNames } from '../support/public-names.ts'
import { badImports, printedTexts, promisedTexts, runExample } from '../support/run-example.ts'

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

test('every public value has an example that names it', () => {
  const without = values.filter(
    ({ name, doc }) => !new RegExp(`\\b${name}\\b`).test(doc.split('@example').slice(1).join()),
  )
  expect([...new Set(without.map(({ name, path }) => `${name} (${path})`))]).toEqual([])
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
  expect(await badImports(code), 'imports there are and are used').toEqual([])
  expect(printedTexts(await runExample(code))).toEqual(promisedTexts(code))
})
