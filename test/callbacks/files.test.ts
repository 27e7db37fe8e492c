// What csvLogger and modelCheckpoint do to files: links, devices, pipes, modes, files that others have there, full disks,
// several writers and writers that are killed. The writers are processes of their own that run the built library.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { decodeSafetensors } from '../../src/formats/safetensors.ts'
import { type Callback, dense, load, sequential } from '../../src/index.ts'
import { csvLogger, modelCheckpoint } from '../../src/node/index.ts'

const isPosix = process.platform !== 'win32'
const isRoot = process.getuid?.() === 0
const x = [[0], [1]]
const y = [1, 2]
const line = () =>
  sequential({ inputShape: [1], layers: [dense({ units: 1 })] }).compile({ loss: 'mse', optimizer: 'sgd' })
const fit = (callbacks: Callback | readonly Callback[], epochs = 1) => line().fit(x, y, { epochs, callbacks })

let folder = ''
const at = (name: string) => join(folder, name)
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lanegrad-'))
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true, force: true })
})

test.skipIf(!isPosix)('mode and owner of a file stay', async () => {
  writeFileSync(at('model'), 'old')
  chmodSync(at('model'), 0o640)
  if (isRoot) chownSync(at('model'), 12, 34)
  writeFileSync(at('log'), 'old')
  chmodSync(at('log'), 0o600)
  await fit(modelCheckpoint({ path: at('model') }))
  await fit(csvLogger({ path: at('log') }), 2)
  expect(load(new Uint8Array(readFileSync(at('model')))).countParams()).toBe(2)
  const { mode, uid, gid } = statSync(at('model'))
  expect(mode & 0o777).toBe(0o640)
  if (isRoot) expect([uid, gid]).toEqual([12, 34])
  expect(statSync(at('log')).mode & 0o777).toBe(0o600)
})

test.skipIf(!isPosix)('links are followed and stay links, also where nothing is at their end', async () => {
  mkdirSync(at('real'))
  mkdirSync(at('links'))
  writeFileSync(at('real/model'), 'old')
  symlinkSync('real/model', at('second'))
  symlinkSync('../second', at('links/model')) // from another folder, through another link
  symlinkSync('../real/log.csv', at('links/log'))
  await fit(modelCheckpoint({ path: at('links/model') }))
  await fit(csvLogger({ path: at('links/log') }))
  for (const link of ['second', 'links/model', 'links/log'])
    expect(lstatSync(at(link)).isSymbolicLink()).toBe(true)
  expect(load(new Uint8Array(readFileSync(at('real/model')))).countParams()).toBe(2)
  expect(readFileSync(at('real/log.csv'), 'utf8')).toMatch(/^epoch,loss\n0,.*\n$/)
  expect(readdirSync(at('real')).sort()).toEqual(['log.csv', 'model'])
  expect(readdirSync(at('links')).sort()).toEqual(['log', 'model'])
  symlinkSync('round', at('round'))
  await expect(fit(modelCheckpoint({ path: at('round') }))).rejects.toThrow(
    `modelCheckpoint: can't write ${at('round')}: its links lead nowhere`,
  )
})

test('<path>.tmp belongs to others', async () => {
  writeFileSync(at('victim'), 'kept')
  writeFileSync(at('model.tmp'), 'mine')
  if (isPosix) symlinkSync('victim', at('log.tmp'))
  await fit(modelCheckpoint({ path: at('model') }))
  await fit(csvLogger({ path: at('log') }))
  expect(readFileSync(at('model.tmp'), 'utf8')).toBe('mine')
  expect(readFileSync(at('victim'), 'utf8')).toBe('kept')
  const names = ['log', ...(isPosix ? ['log.tmp'] : []), 'model', 'model.tmp', 'victim']
  expect(readdirSync(folder).sort()).toEqual(names)
})

describe.skipIf(!isPosix)('devices and pipes are written as what they are', () => {
  test('a device stays one', async () => {
    symlinkSync('/dev/null', at('null'))
    await fit(csvLogger({ path: at('null') }), 2)
    await fit(modelCheckpoint({ path: '/dev/null' }))
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true)
    expect(lstatSync(at('null')).isSymbolicLink()).toBe(true)
    if (process.platform === 'linux')
      await expect(fit(csvLogger({ path: '/dev/full' }))).rejects.toThrow(
        "csvLogger: can't write /dev/full: ENOSPC",
      )
  })

  /** A process that reads a pipe to its end, and a writing end that keeps it there until it is closed. */
  async function read(path: string) {
    execFileSync('mkfifo', [path])
    const { stdout } = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'inherit'] })
    const bytes = stdout.toArray().then((chunks) => Buffer.concat(chunks))
    for (;;) {
      try {
        return { bytes, held: openSync(path, constants.O_WRONLY | constants.O_NONBLOCK) }
      } catch {
        await wait(5) // until cat has opened its end
      }
    }
  }

  test('a pipe without a reader is refused at once', async () => {
    execFileSync('mkfifo', [at('pipe')])
    const message = `can't write ${at('pipe')}: nothing reads from it`
    await expect(fit(csvLogger({ path: at('pipe') }))).rejects.toThrow(`csvLogger: ${message}`)
    await expect(fit(modelCheckpoint({ path: at('pipe') }))).rejects.toThrow(`modelCheckpoint: ${message}`)
    expect(statSync(at('pipe')).isFIFO()).toBe(true)
  })

  test('the reader of a pipe gets the lines of a whole run, then its end', async () => {
    const { bytes, held } = await read(at('pipe'))
    const letGo: Callback = { onEpochBegin: (epoch) => epoch === 0 && closeSync(held) }
    const { loss } = await fit([csvLogger({ path: at('pipe') }), letGo], 3)
    expect(String(await bytes)).toBe(`epoch,loss\n${loss.map((value, i) => `${i},${value}\n`).join('')}`)
  })

  test('more than a pipe holds arrives whole', async () => {
    const { bytes, held } = await read(at('pipe'))
    const big = sequential({ inputShape: [300], layers: [dense({ units: 300 })] })
    big.compile({ loss: 'mse', optimizer: 'sgd' })
    const ones = new Float32Array(300).fill(1)
    await big.fit(ones, ones, { callbacks: modelCheckpoint({ path: at('pipe'), includeOptimizer: false }) })
    closeSync(held)
    expect(load(new Uint8Array(await bytes)).getWeights()).toEqual(big.getWeights())
  })
})

describe('append', () => {
  test('a last line without its end stays apart, and a warning tells', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const torn = 'epoch,loss\n0,4\n1,0.0'
    writeFileSync(at('log'), torn)
    const { loss } = await fit(csvLogger({ path: at('log'), append: true }))
    expect(readFileSync(at('log'), 'utf8')).toBe(`${torn}\n0,${loss[0]}\n`)
    expect(warn).toHaveBeenCalledWith(
      `lanegrad: csvLogger: the last line of ${at('log')} is cut off; a new line begins`,
    )
  })

  test('a file with another head is refused and stays as it was', async () => {
    for (const before of ['epoch,accuracy\n0,1\n', 'epoch,lo', 'text'.repeat(50_000)]) {
      writeFileSync(at('log'), before)
      await expect(fit(csvLogger({ path: at('log'), append: true }))).rejects.toThrow(
        /^csvLogger: .* must begin with "epoch,loss\\n"; got ".*"$/,
      )
      expect(readFileSync(at('log'), 'utf8')).toBe(before)
    }
    writeFileSync(at('log'), 'epoch,loss\r\n0,1\r\n') // as a spreadsheet saves it
    await fit(csvLogger({ path: at('log'), append: true }))
    expect(readFileSync(at('log'), 'utf8')).toMatch(/^epoch,loss\r\n0,1\r\n0,[^\n]*\n$/)
  })
})

/** Trains a model of 40 KB, saves it and its logs after every epoch. */
const WRITER = `
import { dense, sequential } from ${JSON.stringify(pathToFileURL('dist/index.js').href)}
import { csvLogger, modelCheckpoint } from ${JSON.stringify(pathToFileURL('dist/node.js').href)}
const [path, log] = process.argv.slice(2)
const model = sequential({ inputShape: [100], layers: [dense({ units: 100 })] })
model.compile({ loss: 'mse', optimizer: 'sgd' })
const ones = new Float32Array(100).fill(1)
const callbacks = [csvLogger({ path: log, append: true }), modelCheckpoint({ path, includeOptimizer: false })]
const began = { onEpochBegin: (epoch) => epoch === 0 && console.log('began') }
await model.fit(ones, ones, { epochs: 1e9, callbacks: [began, ...callbacks] }).catch(({ message }) => console.error(message))
`
const writerArgs = () => [at('writer.mjs'), at('model'), at('log')]

test.skipIf(!isPosix)(
  'a full disk: the old file stays, fit says so, the log goes on in a line of its own',
  () => {
    writeFileSync(at('writer.mjs'), WRITER)
    // no file may grow beyond 1 KB (2 where the shell counts so): the model's first save would, the log does in the end
    const limited = (path: string) =>
      spawnSync(
        'sh',
        [
          '-c',
          `trap '' XFSZ; ulimit -f 2; exec "$@"`,
          'sh',
          process.execPath,
          at('writer.mjs'),
          path,
          at('log'),
        ],
        {
          encoding: 'utf8',
        },
      )
    writeFileSync(at('model'), 'old')
    expect(limited(at('model')).stderr).toContain(`modelCheckpoint: can't write ${at('model')}: EFBIG`)
    expect(readFileSync(at('model'), 'utf8')).toBe('old')
    expect(readdirSync(folder).sort()).toEqual(['log', 'model', 'writer.mjs'])
    expect(limited('/dev/null').stderr).toContain(`csvLogger: can't write ${at('log')}: EFBIG`)
    const full = readFileSync(at('log'), 'utf8')
    expect(full.at(-1)).not.toBe('\n')
  },
)

// Killed at any moment, a writer leaves the old checkpoint or the new one, and its own temporary file at most.
const KILLS = process.env.CI ? 500 : 10
const WRITERS = 5

test(`${WRITERS} writers of one path, ${KILLS} of them killed: every read sees a whole file`, {
  timeout: 600_000,
}, async () => {
  writeFileSync(at('writer.mjs'), WRITER)
  let kills = 0
  let reads = 0
  let isOver = false
  const write = async () => {
    while (kills < KILLS || reads <= KILLS) {
      const child = spawn(process.execPath, writerArgs(), { stdio: ['ignore', 'pipe', 'inherit'] })
      const died = once(child, 'exit')
      await once(child.stdout, 'data')
      while (!existsSync(at('model'))) await wait(5) // else a slow machine's are all killed before one has written
      await wait(30 * Math.random()) // some ten epochs
      child.kill('SIGKILL')
      const [, signal] = await died
      expect(signal).toBe('SIGKILL') // not of an error of its own
      kills++
    }
  }
  const read = async () => {
    while (!isOver) {
      const bytes = existsSync(at('model')) ? new Uint8Array(readFileSync(at('model'))) : null
      if (bytes) {
        const { tensors } = decodeSafetensors(bytes) // its size is what its header tells
        expect(tensors.get('dense_1/kernel')?.data).toHaveLength(10_000)
        if (reads++ % 100 === 0) expect(load(bytes).countParams()).toBe(10_100)
      }
      await wait(5)
    }
  }
  const reading = read()
  await Promise.all(Array.from({ length: WRITERS }, write))
  isOver = true
  await reading
  const others = readdirSync(folder).filter((name) => !/^\.lanegrad-[-0-9a-f]{36}\.tmp$/.test(name))
  expect(others.sort()).toEqual(['log', 'model', 'writer.mjs'])
  const lines = readFileSync(at('log'), 'utf8').split('\n')
  expect(lines.pop()).toBe('')
  expect(lines.filter((text) => !/^(epoch,loss|\d+,[-+.e\d]+)$/.test(text))).toEqual([])
  await fit(modelCheckpoint({ path: at('model') })) // the path is as good as before
})
