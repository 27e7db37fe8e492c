// The rooms and their order: each room of src imports only rooms below it, and what runs in wasm imports nothing from
// src. Reads the sources as text; a new room has to be given its place in the list below. Also the one order that
// no compiler checks: the kernel table follows the op codes.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import * as abi from '../assembly/abi.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** From low to high: first the half that runs programs, then the half that makes them. */
const ROOMS = [
  'assembly/abi.ts',
  'src/numerics',
  'src/formats',
  'src/data',
  'src/binaries',
  'src/runtime',
  'src/rows',
  'src/session',
  'src/feed',
  'src/run',
  'src/graph',
  'src/plan',
  'src/operations',
  'src/layers',
  'src/training',
  'src/network',
  'src/model',
  'src/freeze',
  'src/interchange',
  'src/callbacks',
  'src/node',
  'src/browser',
  'src/plot',
  'src/threads',
  'src/relaxed',
  'src/inspect',
  'src/keras',
  'src/onnx',
  'src/torch',
  'src/tfjs',
  'src/worker',
  'src/index.ts',
  'src/index.slim.ts',
  'src/cli',
]
/** Narrower than the order: formats and data turn bytes and texts into arrays and know nothing else. */
const ONLY: Readonly<Record<string, readonly string[]>> = {
  'src/formats': ['src/numerics'],
  'src/data': ['src/numerics', 'src/formats'],
}
/** Built files and packages, by the one file that may import them. */
const OUTSIDE: Readonly<Record<string, readonly string[]>> = {
  'src/runtime/relaxed.ts': ['build/relaxed.wasm'],
  'src/freeze/core-for.ts': ['build/core.calls.json'],
  'src/runtime/modules.ts': ['@assemblyscript/loader'],
  'src/data/csv.ts': ['papaparse'],
  'src/cli/command.ts': ['node:fs', 'node:util'],
  'src/cli/freeze.ts': ['node:path', 'node:zlib'],
  'src/cli/kinds.ts': ['node:path'],
  'src/cli/inspect.ts': ['node:zlib'],
  'src/cli/torch.ts': ['node:fs', 'node:path', 'node:url'],
}

const sourcesIn = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`
      if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : sourcesIn(path)
      return path.endsWith('.ts') && !path.endsWith('.d.ts') ? [path] : []
    })
    .sort()

const read = (path: string): string => readFileSync(join(root, path), 'utf8')

/** The text without comments: a comment may quote an import. */
const code = (path: string): string => read(path).replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')

/** What a file imports or re-exports: paths from the project's root, or names of packages. */
function importsOf(path: string): string[] {
  const pattern =
    /(?:^|[\n;])\s*(?:import|export)\b[^'"`;]*?from\s*['"]([^'"]+)['"]|\bimport\s*\(?\s*['"]([^'"]+)['"]/g
  return [...code(path).matchAll(pattern)].map(([, from, bare]) => {
    const name = from ?? bare
    return name.startsWith('.') ? relative(root, join(root, dirname(path), name)).replaceAll('\\', '/') : name
  })
}

const roomOf = (path: string): string | undefined =>
  ROOMS.find((room) => path === room || path.startsWith(`${room}/`))

const sources = sourcesIn('src')

describe('rooms', () => {
  test('the reader of imports finds them in every form', () => {
    expect(importsOf('src/runtime/core.ts').sort()).toEqual([
      'src/binaries/core.ts',
      'src/runtime/modules.ts',
    ])
    expect(importsOf('src/runtime/modules.ts')).toContain('@assemblyscript/loader')
    expect(importsOf('src/index.ts')).toContain('src/model/model.ts') // export ... from over several lines
  })

  test.each(sources)('%s imports only what lies below', (path) => {
    const room = roomOf(path)
    expect(room, `${path} belongs to no room of the list`).toBeDefined()
    for (const imported of importsOf(path)) {
      if (OUTSIDE[path]?.includes(imported)) continue
      if (room === 'src/binaries' && /^build\/\w+\.wasm$/.test(imported)) continue
      const target = roomOf(imported)
      expect(target, `${path} imports ${imported}, which is no room`).toBeDefined()
      if (target === room) continue
      const allowed = ONLY[room ?? ''] ?? ROOMS.slice(0, ROOMS.indexOf(room ?? ''))
      expect(allowed, `${path} imports ${imported}`).toContain(target)
    }
  })

  test.each(sourcesIn('assembly'))('%s imports nothing from outside assembly', (path) => {
    for (const imported of importsOf(path)) expect(imported).toMatch(/^assembly\//)
  })

  test('the contract imports nothing', () => {
    expect(importsOf('assembly/abi.ts')).toEqual([])
  })

  test.each([...sources, 'assembly/abi.ts'])('%s opens with what it is for', (path) => {
    expect(read(path)).toMatch(/^\/\/ \S/)
  })
})

describe('circles', () => {
  /** Groups of files of which each reaches each other one by imports, types included (Tarjan 1972). */
  function circlesOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
    const numbers = new Map<string, number>()
    const lows = new Map<string, number>()
    const open: string[] = []
    const circles: string[][] = []
    const visit = (file: string): void => {
      numbers.set(file, numbers.size)
      lows.set(file, numbers.size - 1)
      open.push(file)
      for (const next of graph.get(file) ?? []) {
        if (!numbers.has(next)) visit(next)
        if (open.includes(next)) lows.set(file, Math.min(lows.get(file) ?? 0, lows.get(next) ?? 0))
      }
      if (lows.get(file) !== numbers.get(file)) return
      const circle = open.splice(open.indexOf(file))
      if (circle.length > 1) circles.push(circle.sort())
    }
    for (const file of graph.keys()) if (!numbers.has(file)) visit(file)
    return circles
  }

  test('are found', () => {
    const graph = { a: ['b'], b: ['c', 'd'], c: ['a'], d: [] }
    expect(circlesOf(new Map(Object.entries(graph)))).toEqual([['a', 'b', 'c']])
  })

  test('there are none in src', () => {
    expect(circlesOf(new Map(sources.map((path) => [path, importsOf(path)])))).toEqual([])
  })
})

describe('determinism', () => {
  // these differ between engines in their last bits; src/numerics/exact.ts has the project's own
  const inexact =
    /\bMath\.(exp|expm1|log|log1p|log2|log10|sin|cos|tan|tanh|sinh|cosh|asin|acos|atan2?|pow|cbrt|hypot|random)\b/
  const withoutStrings = (text: string) => text.replace(/'[^'\n]*'|"[^"\n]*"|`[^`]*`/g, '""')

  // a power of constants two (sizes, limits) is exact on every engine
  test.each(sources)('%s uses no function whose bits differ between engines', (path) => {
    const text = withoutStrings(code(path))
    expect(text.match(inexact)?.[0]).toBeUndefined()
    expect(
      [...text.matchAll(/(\S+)\s*\*\*/g)].map(([, base]) => base).filter((base) => base !== '2'),
    ).toEqual([])
  })
})

describe('realms', () => {
  // what others make may come from another realm, where `instanceof` fails: src/numerics/brands.ts tells it
  const own = sources.flatMap((path) =>
    [...code(path).matchAll(/^export class (\w+)/gm)].map(([, name]) => name),
  )

  test.each(sources)('%s asks `instanceof` of nothing foreign', (path) => {
    const asked = [...code(path).matchAll(/\binstanceof\s+([\w.]+)/g)].map(([, name]) => name)
    expect(asked.filter((name) => !own.includes(name))).toEqual([])
  })

  test('the scan sees some', () => {
    expect(own).toContain('LanegradError')
    expect(sources.filter((path) => /\binstanceof LanegradError/.test(code(path))).length).toBeGreaterThan(1)
  })
})

describe('kernels', () => {
  const tests = sourcesIn('test')

  /** What the comment at the head of a file gives as its float64 version. */
  const referenceOf = (text: string): string | undefined =>
    /^(?:\/\/.*\n)*\/\/ Float64 reference: (\S+)\n/.exec(text)?.[1]

  test('a reference is read from the comment at the head alone', () => {
    expect(referenceOf('// A sum.\n// Float64 reference: test/a.ts\n\ncode')).toBe('test/a.ts')
    expect(referenceOf('// A sum.\n\n// Float64 reference: test/a.ts\n')).toBeUndefined()
  })

  test.each(sourcesIn('assembly/kernels'))('%s names its float64 reference, which exists', (path) => {
    const reference = referenceOf(read(path))
    // a module of references, or the test that holds the formula
    expect(reference).toMatch(/^test\/(reference\/.*|.*\.test)\.ts$/)
    expect(tests).toContain(reference)
  })
})

describe('the kernel tables', () => {
  const words = (name: string) => name.toLowerCase().replaceAll('_', '')
  const { targets } = JSON.parse(read('asconfig.json'))

  const own = Object.keys(targets).filter(
    (target) => !['relaxed', 'functions', 'mathematics'].includes(target),
  )

  test('relaxed has the last kernel of the core again', () => {
    const kernelsOf = (path: string) =>
      /const kernels: StaticArray<Kernel> = \[([^\]]*)\]/.exec(code(path))?.[1].match(/\w+/g)
    expect(kernelsOf('assembly/modules/relaxed.ts')).toEqual(['matmul'])
    expect(kernelsOf('assembly/program.ts')?.at(-1)).toBe('matmul')
    expect(abi.OP_CORE_END - abi.OP_MATMUL).toBe(1)
  })

  test.each(own)('%s has one kernel for each of its op codes, in their order', (target) => {
    const path = target === 'core' ? 'assembly/program.ts' : `assembly/modules/${target}.ts`
    const codes = Object.entries(abi).filter(([name]) => name.startsWith('OP_'))
    const ends = codes.filter(([name]) => name.endsWith('_END'))
    const end = ends.find(([name]) => words(name) === `op${words(target)}end`)?.[1] ?? 0
    const own = codes
      .filter(([name, code]) => !name.endsWith('_END') && code < end)
      .filter(([, code]) => ends.every(([, other]) => other >= end || code >= other))
      .sort(([, a], [, b]) => a - b)
    const first = own[0]?.[1] ?? 0
    expect(own.map(([, code]) => code)).toEqual(Array.from({ length: end - first }, (_, i) => first + i))

    const table = /const kernels: StaticArray<Kernel> = \[([^\]]*)\]/.exec(code(path))?.[1] ?? ''
    const kernels = table
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean)
    // OP_SOFTMAX_GRAD is softmaxGrad, and so on
    expect(kernels.map(words)).toEqual(own.map(([name]) => words(name.slice('OP_'.length))))
  })
})
