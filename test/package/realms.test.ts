// Another realm than the library's: what an iframe, a `node:vm` context or a test runner's sandbox hands over, and the
// built library as it runs inside of one, with all that a runtime may lack missing one at a time.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { createContext, runInContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { gunzip, parseCsv, parseIdx } from '../../src/data/index.ts'
import { init } from '../../src/index.slim.ts'
import {
  customLayer,
  customLoss,
  dense,
  LanegradError,
  load,
  loadWeights,
  type NumberArray,
  sequential,
  tensor,
} from '../../src/index.ts'
import { packed, portable } from '../../src/worker/messages.ts'
import { refused } from '../support/refused.ts'

const realm = createContext({})
/** What `code` makes there. */
const foreign = <T>(code: string, given?: object): T => {
  Object.assign(realm, given)
  return runInContext(`(${code})`, realm) as T
}

const make = () =>
  sequential({ inputShape: [2], layers: [dense({ units: 1 })], seed: 1 }).compile({ loss: 'mse' })

test('the other realm is another one', () => {
  expect(foreign<unknown>('new ArrayBuffer(1)') instanceof ArrayBuffer).toBe(false)
  expect(foreign<unknown>('new Error()') instanceof Error).toBe(false)
})

describe('bytes', () => {
  const bytes = make().save()
  const want = load(bytes).predict([[1, 2]]).data
  const length = bytes.length

  // each holds the file
  const holders = {
    'a Uint8Array': 'copy(new Uint8Array(length))',
    'a part of a Uint8Array': 'copy(new Uint8Array(length + 9).subarray(5, 5 + length))',
    'an ArrayBuffer': 'copy(new Uint8Array(length)).buffer',
    'a DataView': 'new DataView(copy(new Uint8Array(length)).buffer)',
    'a SharedArrayBuffer': 'copy(new Uint8Array(new SharedArrayBuffer(length))).buffer',
    'a Uint8Array over shared memory': 'copy(new Uint8Array(new SharedArrayBuffer(length)))',
    'a buffer that may grow':
      'copy(new Uint8Array(new ArrayBuffer(length, { maxByteLength: 2 * length }))).buffer',
  }
  const copy = (into: Uint8Array) => {
    into.set(bytes)
    return into
  }

  test.each(Object.entries(holders))('%s of another realm', (_, code) => {
    const given = foreign<Uint8Array>(code, { copy, length })
    expect(load(given).predict([[1, 2]]).data).toEqual(want)
    const model = make()
    model.setWeights({ 'dense_1/bias': [5] })
    loadWeights(model, given)
    expect(model.predict([[1, 2]]).data).toEqual(want)
  })

  test('a Buffer of Node', () => {
    expect(load(Buffer.from(bytes)).predict([[1, 2]]).data).toEqual(want)
  })

  test('a detached buffer is refused', () => {
    const view = bytes.slice()
    const { buffer } = view
    structuredClone(buffer, { transfer: [buffer] })
    refused(/^safetensors file must be a Uint8Array, .*; got a detached ArrayBuffer$/, () => load(buffer))
    refused(/^safetensors file must be .*; got Uint8Array of a detached buffer$/, () => load(view))
  })

  test('parseIdx, gunzip and init', async () => {
    const idx = foreign<ArrayBuffer>('Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 7, 9).buffer')
    expect(parseIdx(idx)).toEqual({ shape: [2], data: Uint8Array.of(7, 9) })
    expect(await gunzip(idx)).toEqual(new Uint8Array([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]))
    const file = readFileSync(new URL('../../build/pooling.wasm', import.meta.url))
    await init({ bytes: { pooling: foreign<Uint8Array>('Uint8Array.from(file)', { file }) } })
    const url = foreign<URL>("({ href: 'http://127.0.0.1:1/', toString: () => 'http://127.0.0.1:1/' })")
    await expect(init({ url, only: ['core'] })).rejects.toThrow(/can't load http:/)
  })
})

describe('data', () => {
  const kinds = ['Float32Array', 'Float64Array', 'Int32Array', 'Uint8Array', 'Int16Array']
  const want = make().trainStep(
    [
      [1, 2],
      [3, 4],
    ],
    [1, 0],
  )

  test.each(kinds)('%s of another realm', (kind) => {
    const [x, y] = [foreign<NumberArray>(`${kind}.of(1, 2, 3, 4)`), foreign<NumberArray>(`${kind}.of(1, 0)`)]
    const model = make()
    expect(model.trainStep(x, y)).toEqual(want)
    expect(model.trainStep(x, y).loss).toBeLessThan(want.loss)
    expect(make().trainStep(tensor(x, [2, 2]), tensor(y, [2, 1]))).toEqual(want)
  })

  test('nested arrays, options, signals, iterables and promises of another realm', async () => {
    const model = foreign<ReturnType<typeof make>>(
      "sequential({ inputShape: [2], seed: 1, layers: [dense({ units: 1 })] }).compile({ loss: 'mse' })",
      { sequential, dense },
    )
    expect(model.trainStep(foreign('[[1, 2], [3, 4]]'), foreign('[1, 0]'))).toEqual(want)
    const signal = foreign<AbortSignal>(
      '({ aborted: false, addEventListener() {}, removeEventListener() {} })',
    )
    const batches = foreign<() => AsyncGenerator<{ x: number[][]; y: number[] }>>(
      'async function* () { yield { x: [[1, 2], [3, 4]], y: [1, 0] } }',
    )
    const callbacks = foreign<[]>('[{ onEpochEnd: () => Promise.resolve() }]')
    const history = await make().fit(batches, { signal, callbacks })
    expect(history.loss).toEqual([want.loss])
    const gone = foreign<AbortSignal>('({ aborted: true, addEventListener() {}, removeEventListener() {} })')
    expect(await make().fit([[1, 2]], [1], { signal: gone })).toEqual({})
  })

  test('floats of another realm are looked through for NaN', async () => {
    const x = foreign<NumberArray>('Float64Array.of(1, NaN)')
    await expect(make().fit(x, [1])).rejects.toThrow(/row 0 holds NaN/)
    expect(() => make().trainStep(foreign<NumberArray>('Float32Array.of(1, NaN)'), [1])).toThrow(
      /row 0 holds/,
    )
  })

  test('what is no data stays none', () => {
    for (const code of ['new DataView(new ArrayBuffer(8))', 'BigInt64Array.of(1n, 2n)', 'new Date()'])
      expect(() => make().predict(foreign(code))).toThrow(LanegradError)
  })
})

describe('errors of another realm', () => {
  test("a custom layer's keep their class and say which layer", () => {
    const broken = customLayer({
      kind: 'broken',
      build: () => foreign("(() => { throw new RangeError('no') })()"),
    })
    const build = () => sequential({ inputShape: [2], layers: [broken()] })
    expect(build).toThrow(foreign<ErrorConstructor>('RangeError'))
    expect(build).toThrow(/^layer broken_1: no$/)
  })

  test('a frozen one is left as it is', () => {
    const error = Object.freeze(new Error('frozen'))
    const broken = customLayer({
      kind: 'frozen',
      build: () => {
        throw error
      },
    })
    expect(() => sequential({ inputShape: [2], layers: [broken()] })).toThrow(error)
  })
})

describe('messages to a worker', () => {
  test('plain objects of another realm are taken apart', () => {
    const moved = new Set<object>()
    const { x } = packed(foreign('{ x: new Float32Array(4).subarray(1, 3) }'), moved, false) as {
      x: Float32Array
    }
    expect([x.length, moved.has(x.buffer)]).toEqual([2, true])
    const options = foreign<object>("{ loss: 'mse', metrics: ['mae'] }")
    expect(portable(options)).toEqual({ loss: 'mse', metrics: ['mae'] })
    const loss = customLoss('own', (g, y, p) => g.minus(y, p))
    expect(portable(foreign('{ loss }', { loss }))).toEqual({ loss: { own: 'loss', name: 'own' } })
  })
})

test('rows of a table of another realm', () => {
  expect(parseCsv(foreign<string>("'a,b\\n1,2\\n'"))).toBeTruthy()
})

// In a context that has nothing but the language, and in Node without one of its globals: see `program`.
const dist = new URL('../../dist/index.js', import.meta.url)

/** Trains, saves and loads with `lanegrad`, and prints the bits. */
const program = `
  const { dense, load, sequential } = lanegrad
  const model = sequential({ inputShape: [2], seed: 1, layers: [dense({ units: 3, name: 'näme' }), dense({ units: 1 })] })
  model.compile({ loss: 'mse', optimizer: 'adam' })
  await model.fit(Float32Array.of(1, 2, 3, 4), Float32Array.of(1, 0), { epochs: 20, verbose: 1 })
  await model.fit(function* () { yield { x: [[1, 2]], y: [1] } }, {})
  const again = load(model.save({ includeOptimizer: true }))
  again.trainStep([[1, 2]], [1])
  print('bits ' + new Uint32Array(again.predict([[1, 2]]).data.buffer).join())`

const bitsOf = async (code: string, ...flags: string[]): Promise<string> => {
  const args = [...flags, '--no-warnings', '--input-type=module', '-e', code]
  const run = promisify(execFile)(process.execPath, args, { encoding: 'utf8' })
  // an uncaught error shows the line that threw: not the whole bundle
  const { stdout } = await run.catch(({ stderr }) => ({ stdout: String(stderr).slice(-600) }))
  return /bits .*/.exec(stdout)?.[0] ?? stdout
}

const inNode = (before = '', ...flags: string[]): Promise<string> =>
  bitsOf(
    `const print = console.log
     ${before}
     const lanegrad = await import('${dist}')
     ${program}
     globalThis.process?.exit?.()`,
    ...flags,
  )

const inContext = (before = ''): Promise<string> =>
  bitsOf(
    `import { readFileSync } from 'node:fs'
     import vm from 'node:vm'
     const context = vm.createContext({ print: (text) => console.log(text) })
     vm.runInContext(${JSON.stringify(before)}, context)
     const make = (text) => new vm.SourceTextModule(text, { context })
     const library = make(readFileSync(new URL('${dist}'), 'utf8'))
     const main = make(${JSON.stringify(`import * as lanegrad from 'lanegrad'\n${program}`)})
     await main.link(() => library)
     await main.evaluate()`,
    '--experimental-vm-modules',
  )

describe('the built library', { timeout: 120_000 }, () => {
  const want = inNode()

  test('in a context that has the language and nothing else', async () => {
    expect(await want).toMatch(/^bits \d+$/)
    expect(await inContext()).toBe(await want)
  })

  const language = ['FinalizationRegistry', 'WeakRef', 'SharedArrayBuffer', 'Atomics']
  test('nor the newer parts of the language', async () => {
    const missing = language.map((name) => `delete globalThis.${name}`).join(';')
    expect(await inContext(missing)).toBe(await want)
  })

  const globals = [
    ...[
      'TextDecoder',
      'TextEncoder',
      'performance',
      'MessageChannel',
      'setImmediate',
      'navigator',
      'URL',
      'Blob',
    ],
    ...['AbortController', 'queueMicrotask', 'structuredClone', 'console', 'process', 'crypto', 'setTimeout'],
  ]
  const absent = (name: string) => `Object.defineProperty(globalThis, '${name}', { value: undefined })`
  // one after another takes a second each
  const each = process.env.CI ? [...globals, ...language].map((name) => [name]) : [globals, language]
  if (!process.env.CI)
    console.log('realms: globals are missing all at once; CI=1 takes them away one at a time')
  test.each(each.map((names) => [names.join(), names] as const))('in Node without %s', async (_, names) => {
    expect(await inNode(names.map(absent).join(';'))).toBe(await want)
  })

  test('where setImmediate and MessageChannel are stubs that throw', async () => {
    const stub = (name: string) => `globalThis.${name} = function () { throw new Error('not here') }`
    expect(await inNode(['setImmediate', 'MessageChannel'].map(stub).join(';'))).toBe(await want)
  })

  test('slim, with modules of another realm', async () => {
    const code = `
      import { readFileSync } from 'node:fs'
      import { createContext, runInContext } from 'node:vm'
      import * as lanegrad from '${new URL('slim/index.js', dist)}'
      const print = console.log
      const moduleOf = runInContext('(bytes) => new WebAssembly.Module(Uint8Array.from(bytes))', createContext())
      const read = (name) => moduleOf(readFileSync(new URL('wasm/' + name + '.wasm', '${dist}')))
      await lanegrad.init({ modules: { core: read('core'), training: read('training') } })
      ${program}`
    expect(await bitsOf(code)).toBe(await want)
  })

  test('where nobody may change what the language has, nor make code from text', async () => {
    const flags = ['--frozen-intrinsics', '--disallow-code-generation-from-strings', '--no-addons']
    expect(await inNode('', ...flags)).toBe(await want)
  })
})
