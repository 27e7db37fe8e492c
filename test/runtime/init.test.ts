// init: what it refuses, and that its list of modules is the list of binaries. That it loads them: test/package/package.test.ts.
import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { afterEach, describe, expect, test } from 'vitest'
import { ABI_VERSION } from '../../assembly/abi.ts'
import { coreModule } from '../../src/binaries/core.ts'
import { type InitOptions, init } from '../../src/index.slim.ts'
import { adam, dense, LanegradError, movingAverage, multiHeadAttention, sequential } from '../../src/index.ts'
import { binaries } from '../../src/runtime/engine.ts'
import { codeOf } from '../../src/runtime/modules.ts'
import { relaxedModule } from '../../src/runtime/relaxed.ts'
import { sharedCodeOf } from '../../src/runtime/shared.ts'

const { targets } = JSON.parse(readFileSync(new URL('../../asconfig.json', import.meta.url), 'utf8'))
const bytesOf = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../build/${name}.wasm`, import.meta.url)))

/** A module that exports nothing but the global ABI_VERSION, an i32 below 64. */
const ofVersion = (version: number) =>
  Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // magic, version of the format
    ...[6, 6, 1, 0x7f, 0, 0x41, version, 0x0b], // global: i32, immutable, i32.const version
    ...[7, 15, 1, 11, ...new TextEncoder().encode('ABI_VERSION'), 3, 0], // export: global 0
  ])

const refused = async (options: unknown): Promise<string> => {
  const error = await init(options as InitOptions).then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(LanegradError)
  return (error as LanegradError).message
}

setFlagsFromString('--experimental-wasm-relaxed-simd') // Node 20; later ones have it

test.each(Object.keys(targets))('%s is known and of this version', async (name) => {
  await init({ bytes: { [name]: bytesOf(name) } })
  await init({ modules: { [name]: new WebAssembly.Module(bytesOf(name)) } })
})

test('no other name is known: the message lists all', async () => {
  const message = await refused({ bytes: { core: bytesOf('core'), convolutions: bytesOf('core') } })
  const known = Object.keys(targets).sort()
  expect(message).toMatch(/^unknown module "convolutions"; did you mean "convolution"\?/)
  expect(message.split('Known: ')[1].match(/\w+/g)?.sort()).toEqual(known)
})

describe('bad options', () => {
  test.each([
    [{}, 'init: give one of url, bytes, modules; got 0 of them'],
    [{ url: '/', bytes: {} }, 'init: give one of url, bytes, modules; got 2 of them'],
    [{ url: 5 }, 'init: url must be a string or URL; got 5'],
    [{ url: '/', only: 'core' }, 'init: only must be a list of names; got "core"'],
    [{ bytes: {}, only: ['core'] }, 'init: only is for url'],
    [{ bytes: 5 }, 'init: bytes must be an object by module; got 5'],
    [
      { bytes: { core: 'x' } },
      'init: bytes.core must be a Uint8Array, ArrayBuffer or DataView (readFile(path), or await (await fetch(url)).arrayBuffer()); got "x"',
    ],
    [
      { modules: { core: new Uint8Array(8) } },
      'init: modules.core must be a WebAssembly.Module; got Uint8Array(8)',
    ],
  ])('%o', async (options, message) => {
    expect(await refused(options)).toBe(message)
  })
})

describe('bad binaries', () => {
  test('no WebAssembly', async () => {
    const message = await refused({ bytes: { core: Uint8Array.from([1, 2, 3]) } })
    expect(message).toMatch(/^init: this runtime can't compile bytes\.core: /)
  })

  // relaxed is passed over only where the runtime lacks its instructions
  test.each(['pooling', 'relaxed'])('of another version: %s', async (name) => {
    const next = ABI_VERSION + 1
    expect(await refused({ bytes: { [name]: ofVersion(next) } })).toBe(
      `${name}.wasm is of another version than the library: its interface has the number ${next}, expected ${ABI_VERSION}; ` +
        'take both from one release',
    )
  })

  test('without a version', async () => {
    const empty = Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
    expect(await refused({ bytes: { core: empty } })).toMatch(/has the number undefined, expected/)
  })

  test('one that asks for what the library does not have', async () => {
    // imports the function a.b
    const asking = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 2, 7, 1, 1, 0x61, 1, 0x62, 0, 0]
    expect(await refused({ bytes: { core: Uint8Array.from(asking) } })).toMatch(
      /^core\.wasm doesn't fit this version of lanegrad: /,
    )
  })
})

describe('what is loaded', () => {
  /** The same module with a section of its own behind it: other bytes, other code, the same kernels. */
  const marked = (name: string) => Uint8Array.from([...bytesOf(name), 0, 2, 1, 0x21])
  const sections = (code: WebAssembly.Module) => WebAssembly.Module.customSections(code, '!').length
  const both = () => [sections(codeOf(coreModule)), sections(sharedCodeOf(coreModule, binaries))]

  afterEach(async () => {
    await init({ bytes: { core: bytesOf('core'), training: bytesOf('training') } })
  })

  test('may be relaxed, which is passed over where this runtime lacks its instructions', async () => {
    const marks = () => sections(codeOf(relaxedModule))
    await init({ bytes: { relaxed: marked('relaxed') } })
    expect(marks()).toBe(1)
    const [first, ...rest] = bytesOf('relaxed')
    await init({ bytes: { relaxed: Uint8Array.from([first + 1, ...rest]) } })
    expect(marks()).toBe(1)
    await init({ bytes: { relaxed: bytesOf('relaxed') } })
    expect(marks()).toBe(0)
  })

  test('counts from the next model on, for one thread and for several', async () => {
    expect(both()).toEqual([0, 0])
    await init({ bytes: { core: marked('core') } })
    expect(both()).toEqual([1, 1])
    const model = sequential({ inputShape: [2], layers: [dense({ units: 1 })] })
    expect(model.predict([[1, 2]]).data).toHaveLength(1)
  })

  test.each(['first', 'last'])('is nothing where one of them is bad, the %s', async (place) => {
    const bad = ['pooling', ofVersion(ABI_VERSION + 1)] as const
    const good = ['core', marked('core')] as const
    const bytes = Object.fromEntries(place === 'first' ? [bad, good] : [good, bad])
    expect(await refused({ bytes })).toMatch(/pooling.wasm is of another version/)
    expect(both()).toEqual([0, 0])
  })

  // each has kernels of its own: more, or fewer, than the other
  test.each([
    ['training', 'attention'],
    ['attention', 'training'],
  ])('%s is not %s: refused before anything runs', async (name, other) => {
    const build = () =>
      name === 'training'
        ? sequential({ inputShape: [2], layers: [dense({ units: 1 })] })
            .compile({ loss: 'mse', optimizer: adam({ ema: movingAverage() }) })
            .trainStep([[1, 2]], [[1]])
        : sequential({
            inputShape: [2, 2],
            layers: [multiHeadAttention({ numHeads: 1, keyDim: 2 })],
          }).predict([
            [
              [1, 2],
              [3, 4],
            ],
          ])
    build()
    await init({ bytes: { [name]: bytesOf(other) } })
    try {
      expect(build).toThrow(`${name}.wasm is of another version than the library: its kernels are others`)
    } finally {
      await init({ bytes: { [name]: bytesOf(name) } })
    }
    build()
  })
})
