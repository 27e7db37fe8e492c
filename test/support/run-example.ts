// Runs a program of the documentation as it stands there, against the source.
import { inspect } from 'node:util'
import { sources } from '../../scripts/entries.mjs'
import * as slim from '../../src/index.slim.ts'
import * as main from '../../src/index.ts'

const MODULES: Readonly<Record<string, object>> = { lanegrad: main, 'lanegrad/slim': slim }

const RECIPES = 'lanegrad/recipes/'

/** What the package's binaries and the data of its recipes resolve to. */
const addressOf = (name: string): string => {
  const path = name.startsWith(RECIPES)
    ? `examples/recipes/${name.slice(RECIPES.length)}`
    : `build/${name.split('/').pop()}`
  return new URL(`../../${path}`, import.meta.url).href
}

export interface Run {
  /** The arguments of each console.log. */
  readonly printed: readonly unknown[][]
  /** The program's `model` or `net`, if it has one. */
  readonly model: main.Model | undefined
}

const IMPORT = /^import \{ (.*) \} from '(.*)'$/gm

const moduleOf = async (from: string): Promise<object> => {
  if (from.startsWith(RECIPES)) return import(addressOf(from))
  const source = sources[from.replace('lanegrad/', '')]
  return MODULES[from] ?? (await import(source ? `../../${source}` : from))
}

export async function runExample(code: string): Promise<Run> {
  const modules: Record<string, object> = {}
  for (const [, , from] of code.matchAll(IMPORT)) modules[from] = await moduleOf(from)
  const body = code
    .replace(IMPORT, "const { $1 } = modules['$2']")
    .replaceAll('import.meta.resolve', 'resolve')
  const result = ['net', 'model'].find((name) => new RegExp(`^const ${name} =`, 'm').test(code))
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor
  const program = new AsyncFunction('modules', 'resolve', 'console', `${body}\nreturn ${result}`)
  const printed: unknown[][] = []
  const log = (...values: unknown[]) => printed.push(values)
  return { printed, model: await program(modules, addressOf, { log }) }
}

/** Without what equals the text before it: a console.log in a loop prints one text again and again. */
const once = (texts: readonly string[]): string[] => texts.filter((text, i) => text !== texts[i - 1])

/** The text of each `console.log(...) // text` of a program, in order. */
export const promisedTexts = (code: string): string[] =>
  once([...code.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(([, text]) => text))

/** What a run printed, in order, as Node prints it. */
export const printedTexts = ({ printed }: Run): string[] =>
  once(
    printed.map((values) =>
      values.map((value) => (typeof value === 'string' ? value : inspect(value))).join(' '),
    ),
  )

/** The names a program imports that their module hasn't, and those it doesn't use. */
export async function badImports(code: string): Promise<string[]> {
  const body = code.replace(IMPORT, '')
  const bad: string[] = []
  for (const [, list, from] of code.matchAll(IMPORT)) {
    const module = await moduleOf(from)
    const names = list.split(', ')
    bad.push(...names.filter((name) => !(name in module) || !new RegExp(`\\b${name}\\b`).test(body)))
  }
  return bad
}
