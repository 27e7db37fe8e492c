// Runs a program of the documentation as it stands there, against the source.
import { inspect } from 'node:util'
import * as slim from '../src/index.slim.ts'
import * as main from '../src/index.ts'

const MODULES: Readonly<Record<string, object>> = { lanegrad: main, 'lanegrad/slim': slim }

/** What the package's binaries resolve to. */
const resolve = (name: string): string => new URL(`../build/${name.split('/').pop()}`, import.meta.url).href

export interface Run {
  /** The arguments of each console.log. */
  readonly printed: readonly unknown[][]
  /** The program's `model` or `net`, if it has one. */
  readonly model: main.Model | undefined
}

export async function runExample(code: string): Promise<Run> {
  const modules: Record<string, object> = { ...MODULES }
  const imports = [...code.matchAll(/^import \{ (.*) \} from '(.*)'$/gm)]
  for (const [, , from] of imports)
    modules[from] ??= await import(from.replace(/^lanegrad\/(.*)$/, '../src/$1/index.ts'))
  const body = code
    .replace(/^import \{ (.*) \} from '(.*)'$/gm, "const { $1 } = modules['$2']")
    .replaceAll('import.meta.resolve', 'resolve')
  const result = ['net', 'model'].find((name) => new RegExp(`^const ${name} =`, 'm').test(code))
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor
  const program = new AsyncFunction('modules', 'resolve', 'console', `${body}\nreturn ${result}`)
  const printed: unknown[][] = []
  const log = (...values: unknown[]) => printed.push(values)
  return { printed, model: await program(modules, resolve, { log }) }
}

/** Each `console.log(...) // text` of a program must have printed the text, as Node prints it. Gives what doesn't. */
export function unfulfilled(code: string, { printed }: Run): string[] {
  const promises = [...code.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(([, text]) => text)
  const texts = printed.map((values) =>
    values.map((value) => (typeof value === 'string' ? value : inspect(value))).join(' '),
  )
  const missing = promises.filter((text) => !texts.includes(text)).map((text) => `never printed: ${text}`)
  const other = texts.filter((text) => !promises.includes(text)).map((text) => `printed: ${text}`)
  return [...missing, ...other]
}
