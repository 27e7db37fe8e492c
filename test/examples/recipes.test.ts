// The recipes: ten jobs, each in fewer than 20 lines, run as they stand there on the data that the package brings, and do what they
// say. The guides hold the same programs.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { runExample } from '../support/run-example.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const names = readdirSync(new URL('examples/recipes', root)).flatMap((file) =>
  file.endsWith('.js') ? file.slice(0, -3) : [],
)
const codeOf = (name: string) => read(`examples/recipes/${name}.js`)

/** What each prints must show, and the guide that holds it. */
const jobs: Readonly<
  Record<string, { guide: string; isSlow?: true; check(printed: readonly (readonly unknown[])[]): void }>
> = {
  table: {
    guide: 'table',
    check([[, error], [, first]]) {
      expect(error).toBeLessThan(2.5) // the mean of all cars is 6.5 off
      expect(first).toHaveLength(3)
    },
  },
  imbalanced: {
    guide: 'imbalanced',
    isSlow: true,
    check([[, area, , found]]) {
      expect(area).toBeGreaterThan(0.95)
      expect(found).toBeGreaterThan(0.8)
    },
  },
  spam: {
    guide: 'text',
    check([[, accuracy], [, spam]]) {
      expect(accuracy).toBeGreaterThan(0.97)
      expect(spam).toBeGreaterThan(0.9)
    },
  },
  forecast: {
    guide: 'time-series',
    check([[, error], [, naive]]) {
      expect(naive).toBeCloseTo(2.97, 2) // of the table itself: no net is in it
      expect(error).toBeLessThan(0.93 * (naive as number))
    },
  },
  garments: {
    guide: 'pictures',
    isSlow: true,
    check: ([[, accuracy]]) => expect(accuracy).toBeGreaterThan(0.65), // by chance 0.1
  },
  autoencoder: {
    guide: 'autoencoder',
    isSlow: true,
    check([[, known], [, strange]]) {
      expect(known).toBeLessThan(0.035) // the mean picture is 0.08 off
      expect(strange).toBeGreaterThan(2 * (known as number))
    },
  },
  cartpole: {
    guide: 'trial-and-error',
    isSlow: true,
    check(printed) {
      expect(printed[0][1]).toBeLessThan(50) // pushes at random: some 20
      expect(printed.at(-1)?.[1]).toBeGreaterThan(150)
    },
  },
  search: {
    guide: 'search',
    isSlow: true,
    check([[, , , best, , worst], [, inTest]]) {
      expect(best).toBeLessThan(2.1)
      expect(worst).toBeGreaterThan(best as number)
      expect(inTest).toBeLessThan(2.4)
    },
  },
  nested: {
    guide: 'nested',
    isSlow: true,
    check: ([[, area]]) => expect(area).toBeGreaterThan(0.9), // by chance 0.5
  },
  export: {
    guide: 'export',
    isSlow: true, // it reads many of the library's files
    check(printed) {
      expect(printed).toHaveLength(4)
      const [own, ...others] = printed.map(([, ...values]) => values as number[])
      expect(own.map(Math.round)).toEqual([0, 1, 1, 0])
      for (const values of others)
        for (const [i, value] of values.entries()) expect(value).toBeCloseTo(own[i], 6)
    },
  },
}

const slow = Object.keys(jobs).filter((name) => jobs[name].isSlow)
if (!process.env.CI) console.log(`recipes: ${slow.join(', ')} train in CI alone`)

test('each recipe is checked here', () => expect(names).toEqual(Object.keys(jobs).sort()))

describe.each(names)('%s', (name) => {
  const { guide, isSlow, check } = jobs[name]
  const code = codeOf(name)

  test('has fewer than 20 lines, and stands in its guide', () => {
    const lines = code.split('\n').filter((line) => !/^\s*(\/\/.*)?$/.test(line))
    expect(lines.length).toBeLessThan(20)
    // without the first line, which is the guide's text
    expect(read(`docs/guides/${guide}.md`)).toContain(`\`\`\`js\n${code.slice(code.indexOf('\n') + 1)}\`\`\``)
  })

  test.runIf(process.env.CI || !isSlow)(
    isSlow ? 'does its job (in CI)' : 'does its job',
    { timeout: 30_000 },
    async () => check((await runExample(code)).printed),
  )
})

test('the data are small, and are all there', () => {
  const folder = new URL('examples/recipes/data/', root)
  const bytes = readdirSync(folder).reduce((sum, file) => sum + readFileSync(new URL(file, folder)).length, 0)
  expect(bytes).toBeLessThan(200_000)
  for (const name of names)
    for (const [, path] of codeOf(name).matchAll(/'lanegrad\/recipes\/(data\/[^']+)'/g))
      if (!path.includes('$'))
        expect(existsSync(new URL(`examples/recipes/${path}`, root)) || path.endsWith('garments'), path).toBe(
          true,
        )
})
