// The PyTorch process: starts torch_peer.py and talks to it, a JSON line each way; numbers go through temporary files.
// Enters: nets and products. Leaves: handles whose times were measured over there. One process a number of threads.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { EPSILON, MOMENTUM } from '../nets.mjs'

const PYTHON = process.env.BENCH_PYTHON ?? (process.platform === 'win32' ? 'python' : '/usr/bin/python3')
const SCRIPT = fileURLToPath(new URL('torch_peer.py', import.meta.url))

/** null, or why there is no PyTorch here. */
export function missing() {
  const { status, error, stderr } = spawnSync(PYTHON, ['-c', 'import torch, numpy'], { encoding: 'utf8' })
  if (status === 0) return null
  const why = error ? error.message : (stderr.trim().split('\n').at(-1) ?? '')
  const debian =
    'Debian: python3-torch, and libopenblas0-pthread: without it its BLAS is the slow reference one'
  return `${PYTHON} -c 'import torch': ${why} (BENCH_PYTHON names another Python; ${debian})`
}

/** Numbers laid one after another into a file, and where each array starts. @param {string} file */
function writer(file) {
  /** @type {(Float32Array | Int32Array)[]} */
  const parts = []
  let length = 0
  return {
    /** @param {Float32Array | Int32Array} data @param {number[]} shape */
    add(data, shape = [data.length]) {
      parts.push(data)
      length += data.length
      return { start: length - data.length, shape, dtype: data instanceof Int32Array ? 'int32' : 'float32' }
    },
    write: () =>
      writeFileSync(
        file,
        Buffer.concat(
          parts.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)),
        ),
      ),
  }
}

/** @param {number} threads */
export function startTorch(threads) {
  const folder = mkdtempSync(join(tmpdir(), 'lanegrad-torch-'))
  const child = spawn(PYTHON, [SCRIPT, String(threads)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const exited = new Promise((resolve) => child.once('exit', resolve))
  let lastId = 0

  /** @param {object} message @returns {Promise<any>} */
  async function ask(message) {
    child.stdin.write(`${JSON.stringify(message)}\n`)
    const { value, done } = await lines.next()
    if (done) throw new Error(`PyTorch's process ended (exit code ${child.exitCode})`)
    const reply = JSON.parse(value)
    if (reply.error) throw new Error(reply.error)
    return reply
  }

  /** @param {'net' | 'product'} kind @param {(add: ReturnType<typeof writer>['add']) => object} specOf */
  async function make(kind, specOf) {
    const id = ++lastId
    const file = join(folder, String(id))
    const numbers = writer(file)
    const spec = specOf(numbers.add)
    numbers.write()
    await ask({ do: 'make', id, kind, spec, file })
    rmSync(file)
    return {
      /** @param {'step' | 'run'} what */
      timed: (what) => async (/** @type {number} */ from, /** @type {number} */ count) =>
        (await ask({ do: what, id, from, count })).ms,
      loss: async () => (await ask({ do: 'loss', id })).loss,
      async read() {
        await ask({ do: 'read', id, file })
        const { buffer, byteOffset, byteLength } = readFileSync(file)
        return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength))
      },
      dispose: () => void ask({ do: 'free', id }),
    }
  }

  return {
    hello: () => ask({ do: 'hello' }),
    /** Grown since its start. */
    megabytes: async () => (await ask({ do: 'megabytes' })).megabytes,
    /** Since its start. */
    cpuMs: async () => (await ask({ do: 'cpu' })).ms,
    /** @param {import('../nets.mjs').Net} net */
    net: ({ layers, batches, batchSize, inputShape, ...more }) =>
      make('net', (add) => ({
        ...more,
        inputShape,
        epsilon: EPSILON,
        momentum: MOMENTUM,
        layers: layers.map(({ weights, ...layer }) => ({
          ...layer,
          weights: Object.fromEntries(
            Object.entries(weights).map(([name, { shape, data }]) => [name, add(data, shape)]),
          ),
        })),
        batches: batches.map(({ x, y }) => [add(x, [batchSize, ...inputShape]), add(y)]),
      })),
    /** @param {import('../problems.mjs').Product} product */
    product: ({ form, m, k, n, a, b }) =>
      make('product', (add) => ({
        form,
        a: add(a, form === 'At.B' ? [k, m] : [m, k]),
        b: add(b, form === 'A.Bt' ? [n, k] : [k, n]),
      })),
    stop() {
      child.stdin.end()
      exited.then(() => rmSync(folder, { recursive: true, force: true }))
    },
  }
}
