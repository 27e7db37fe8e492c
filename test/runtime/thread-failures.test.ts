// Helper threads that can't be had, fail or fall silent: the model says so and one thread goes on. And however many models
// there are, helpers are few. Their life where all goes well: threads.test.ts. In processes of their own, ended from outside
// should one hang, on the built library.
import { spawn } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { JOB_PATIENCE } from '../../assembly/abi.ts'

const dist = new URL('../../dist/index.js', import.meta.url).href

/** Prints a line for each `say(...)`, and for each warning. */
const program = (rest: string): string => `
  import { writeSync } from 'node:fs'
  import threads, { Worker } from 'node:worker_threads'
  const say = (...values) => writeSync(1, values.join(' ') + '\\n')
  console.warn = say
  const { dense, LanegradError, sequential } = await import('${dist}')
  const { workers } = await import('${dist.replace('index', 'threads')}')
  const make = (count) => sequential({ inputShape: [300], seed: 1, layers: [dense({ units: 300 })], threads: workers(count) })
  const x = { shape: [100, 300], data: Float32Array.from({ length: 30000 }, (_, i) => i % 7) }
  const same = (a, b) => a.every((value, i) => value === b[i])
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
  const until = async (holds) => {
    for (const end = performance.now() + 15000; !holds() && performance.now() < end; ) await wait(5)
  }
  const arrived = ({ session: { engine } }, count) => until(() => engine.team.ready === count)
  /** Makes workers of another program in place of the library's. */
  const replace = (code) => {
    threads.Worker = class extends Worker {
      constructor(url, options) {
        super(new URL('data:text/javascript,' + encodeURIComponent(code)), options)
      }
    }
  }
  ${rest}`

const lines = (rest: string, ...flags: string[]): Promise<string[]> =>
  new Promise((resolve) => {
    const args = [...flags, '--no-warnings', '--input-type=module', '-e', program(rest)]
    const child = spawn(process.execPath, args, { timeout: 25_000, killSignal: 'SIGKILL' })
    let printed = ''
    let broken = ''
    child.stdout.on('data', (text) => {
      printed += text
    })
    child.stderr.on('data', (text) => {
      broken += text
    })
    child.on('close', (code) =>
      resolve([
        ...printed.split('\n').slice(0, -1),
        ...(code === 0 ? [] : [`${code} ${broken.slice(-400)}`]),
      ]),
    )
  })

const PERMISSION = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission'

describe('where workers can not be had', () => {
  test('no permission for them: one thread, and what was thrown', async () => {
    const rest = `
      const model = make(3)
      say(model.variant)
      say(same(model.predict(x).data, make(1).predict(x).data), model.variant)`
    const [warning, ...said] = await lines(rest, PERMISSION, '--allow-fs-read=*')
    expect(warning).toMatch(
      /^lanegrad: threads: a worker can't be had: Access to this API has been restricted/,
    )
    expect(warning).toMatch(/; 1 of the threads compute$/)
    expect(said).toEqual(['simd, 1 thread', 'true simd, 1 thread'])
  })

  test('one that fails before it computes is no thread', async () => {
    const rest = `
      replace("throw new Error('not by this policy')")
      const model = make(3)
      await until(() => model.variant === 'simd, 1 thread')
      say(same(model.predict(x).data, make(1).predict(x).data), model.variant)`
    const [first, second, ...said] = await lines(rest)
    expect(first).toBe(
      "lanegrad: threads: a worker can't be had: not by this policy; 2 of the threads compute",
    )
    expect(second).toBe(
      "lanegrad: threads: a worker can't be had: not by this policy; 1 of the threads compute",
    )
    expect(said).toEqual(['true simd, 1 thread'])
  })
})

/** A module that puts the function `body`, of a kernel's type, in all places of its table. */
const instead = (...body: number[]): number[] => [
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // magic, version of the format
  ...[1, 8, 1, 0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 0], // type: (i32, i32, i32, i32) -> ()
  ...[2, 15, 1, 3, 0x65, 0x6e, 0x76, 5, 0x74, 0x61, 0x62, 0x6c, 0x65, 1, 0x70, 0, 0], // import env.table
  ...[3, 2, 1, 0], // function 0 is of type 0
  ...[9, 0x97, 3, 1, 0, 0x41, 1, 0x0b, 0x90, 3, ...new Array(400).fill(0)], // elements 1 to 400: function 0
  ...[10, body.length + 4, 1, body.length + 2, 0, ...body, 0x0b],
]

describe('a helper that ends within a part', () => {
  const story = (body: number[], patience: string) => `
    const model = make(3)
    const { engine } = model.session
    const want = make(1).predict(x).data
    say(same(model.predict(x).data, want), model.variant)
    await arrived(model, 3)
    ${patience}
    engine.team.helpers.add([new WebAssembly.Module(Uint8Array.from(${JSON.stringify(body)}))])
    await arrived(model, 3)
    for (let i = 0; i < 1000 && engine.team.helpers; i++) {
      try {
        model.predict(x)
      } catch (error) {
        say(error instanceof LanegradError, error.message)
      }
    }
    say(same(model.predict(x).data, want), model.variant)
    await wait(50)`
  const LOST =
    'true threads: a worker of this model ended in the midst of its work, which is incomplete: load what was saved last ' +
    'if it was training. From now on one thread computes'

  test('by a trap: an error, then one thread', async () => {
    expect(await lines(story(instead(0), ''))).toEqual(['true simd, 3 threads', LOST, 'true simd, 1 thread'])
  })

  test('and says nothing: an error once patience ends, then one thread', async () => {
    const forever = instead(0x03, 0x40, 0x0c, 0, 0x0b)
    const patience = `new Int32Array(engine.core.memory.buffer)[${JOB_PATIENCE / 4}] = 1`
    expect(await lines(story(forever, patience))).toEqual([
      'true simd, 3 threads',
      LOST,
      'true simd, 1 thread',
    ])
  })
})

describe('many models', () => {
  // counts the workers that live, as far as is known without a turn of the event loop
  const counted = `
    let live = 0
    let most = 0
    threads.Worker = class extends Worker {
      constructor(...args) {
        super(...args)
        most = Math.max(most, ++live)
      }
      terminate() {
        live--
        return super.terminate()
      }
    }`

  test('dropped without dispose, in one turn: few helpers', async () => {
    const rest = `
      ${counted}
      for (let i = 0; i < 10; i++) make(5).predict(x)
      say(live, most)
      process.exit()`
    expect(await lines(rest)).toEqual(['16 16'])
  })

  test('one that wants more than there may be has them', async () => {
    const rest = `
      ${counted}
      const [first, large] = [make(3), make(19)]
      say(first.variant, large.variant, live, most)
      large.dispose()
      say(live)`
    expect(await lines(rest)).toEqual(['simd, 1 thread simd, 19 threads 18 18', '0'])
  })

  test('helpers that made room come back with another plan, and know all kernels', async () => {
    const rest = `
      const first = make(3)
      const want = first.predict(x).data
      const others = Array.from({ length: 8 }, () => make(3))
      say(first.variant, others[0].variant)
      say(same(first.predict(x).data, want), first.variant)
      first.predict(x, { batchSize: 50 })
      say(first.variant, others[0].variant)
      await arrived(first, 3)
      say(same(first.predict(x).data, want), first.variant, first.session.engine.team.ready)`
    expect(await lines(rest)).toEqual([
      'simd, 1 thread simd, 3 threads',
      'true simd, 1 thread',
      'simd, 3 threads simd, 1 thread',
      'true simd, 3 threads 3',
    ])
  })
})

describe('address space that is used up', () => {
  test.each([1, 2])('%i threads: an error that says what was asked for', async (count) => {
    // V8 has room for some thousands of memories, of shared ones with 4 GiB each for fewer
    const rest = `
      const kept = []
      const { Memory } = WebAssembly
      let left = 3
      WebAssembly.Memory = function (kind) {
        if (left-- <= 0) throw new RangeError('WebAssembly.Memory(): could not allocate memory')
        return new Memory(kind)
      }
      try {
        for (;;) kept.push(make(${count}))
      } catch (error) {
        say(kept.length, error instanceof LanegradError, error.message)
      }`
    const asked =
      count === 1 ? 'a first page of 64 KiB' : 'address space for 4.0, 1.0 or 0.3 GiB of shared memory'
    expect(await lines(rest)).toEqual([
      `3 true the runtime gave no memory (${asked}): are there many models? dispose() gives theirs back at once`,
    ])
  })
})
