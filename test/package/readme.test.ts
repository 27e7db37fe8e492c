// The README's programs run as they stand there, against the source, and do what the README says of them; so do those of the
// guide of models. Links lead to files, and what comes before the recipes is short.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { badImports, printedTexts, promisedTexts, runExample } from '../support/run-example.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const programsOf = (text: string) => [...text.matchAll(/```(?:js|ts)\n(.*?)```/gs)].map(([, code]) => code)

const readme = read('README.md')
const programs = programsOf(readme)
const [graph, parts, ownLayer] = programsOf(read('docs/guides/models.md'))

test('the README has programs, each importing from lanegrad', () => {
  expect(programs.length).toBeGreaterThanOrEqual(3)
  for (const code of programs) expect(code).toContain("from 'lanegrad'")
})

test('it comes to the recipes within two screens', () => {
  expect(readme.split('\n## Recipes')[0].split('\n').length).toBeLessThan(60)
})

test('the first model learns XOR', async () => {
  const { printed } = await runExample(programs[0])
  const [a, b, c, d] = printed[0][0] as Float32Array
  for (const small of [a, d]) expect(small).toBeLessThan(0.2)
  for (const large of [b, c]) expect(large).toBeGreaterThan(0.8)
})

const recipes = [...readme.matchAll(/### (.*?)\n\n```js\n(.*?)```/gs)].map(([, name, code]) => ({
  name,
  code,
}))

describe.each(recipes)('recipe $name', ({ code }) => {
  test('has twenty lines at most, and runs', async () => {
    expect(code.trim().split('\n').length).toBeLessThanOrEqual(20)
    const { printed } = await runExample(code)
    const promised = [...code.matchAll(/console\.log\(.*\) \/\/ (\d\S*)$/gm)].map(([, text]) => Number(text))
    for (const [i, value] of promised.entries()) expect(printed[i][0]).toBeCloseTo(value, 1)
  })
})

test('the functional model trains with a loss for each output', async () => {
  const { model } = await runExample(graph)
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
  const { printed } = await runExample(parts)
  expect(Number.isFinite(printed[0][0])).toBe(true)
})

test("a layer of one's own trains", async () => {
  const { model, printed } = await runExample(ownLayer)
  expect(Number.isFinite(printed[0][0])).toBe(true)
  expect(Object.keys(model!.gradients([[1, 2, 3]], [[1]]))).toContain('scaled_1/scale')
})

/** The anchors GitHub gives the headings of a text. */
const anchorsOf = (text: string) =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )

const guides = readdirSync(new URL('docs/guides', root)).map((name) => `docs/guides/${name}`)

test.each(['README.md', 'ARCHITECTURE.md', ...guides])(
  'the links of %s lead to files and headings',
  (path) => {
    const bad = [...read(path).matchAll(/\]\((?!\w+:)([^)#]*)(?:#([^)]*))?\)/g)].filter(
      ([, file, anchor]) => {
        const url = new URL(file || new URL(path, root).href, new URL(path, root))
        if (!existsSync(fileURLToPath(url))) return true
        return anchor !== undefined && !anchorsOf(readFileSync(url, 'utf8')).includes(anchor)
      },
    )
    expect(bad.map(([link]) => link)).toEqual([])
  },
)

/**
 * The programs of the guides that nothing above runs. Blocks marked `js` run here; those of the recipes in recipes.test.ts; those
 * marked `javascript`, `jsx` or `html` are for a page, a worker, a bundler or another tool, which other tests run them in.
 */
const recipeCodes = readdirSync(new URL('examples/recipes', root)).flatMap((file) =>
  file.endsWith('.js') ? read(`examples/recipes/${file}`).replace(/^.*\n/, '') : [],
)
const blocks = guides.flatMap((path) =>
  programsOf(read(path))
    .filter((code) => ![...recipeCodes, graph, parts, ownLayer].includes(code))
    .map((code): [path: string, code: string] => [path, code]),
)
const elsewhere = guides.flatMap((path) => {
  const count = [...read(path).matchAll(/^```(javascript|jsx|html)/gm)].length
  return count > 0 ? `${path} (${count})` : []
})
console.log(`guides: for pages, workers and tools, not run here: ${elsewhere.join(', ')}`)

/** Whether a program is among the few that run at every test: those of the commonest jobs. */
const isQuick = (path: string) => /(table|text)\.md$/.test(path)
if (!process.env.CI) console.log('guides: programs of other guides than table and text run in CI alone')

describe.each(blocks)('a program of %s', (path, code) => {
  test.runIf(process.env.CI || isQuick(path))('runs, and prints what it says', async () => {
    expect(await badImports(code)).toEqual([])
    const printed = printedTexts(await runExample(code))
    for (const text of promisedTexts(code)) if (/^[[\d'{]/.test(text)) expect(printed).toContain(text)
  })
})

test('every guide begins with its title and a sentence', () => {
  for (const path of guides) expect(read(path), path).toMatch(/^# \S.*\n\n/)
})

test('every guide is in the list of guides', () => {
  const list = read('docs/guides/README.md')
  const names = guides.map((path) => path.slice('docs/guides/'.length)).filter((name) => name !== 'README.md')
  expect(names.filter((name) => !list.includes(`](${name})`))).toEqual([])
})
