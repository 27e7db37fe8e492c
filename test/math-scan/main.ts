// npm run scan:math [-- name ...]: the functions of assembly/math.ts and assembly/functions/ at every float32, each held to
// the bound in functions.ts. Prints the largest error of each and where it is; fails above a bound.
import { availableParallelism } from 'node:os'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import asc from 'assemblyscript/asc'
import { errorAt, STATED, type Stated } from './functions.ts'

/** Floats a worker is given at a time, and those the wasm makes at once. */
const TASK = 2 ** 26
const COUNT = 2 ** 16
const SIGN = 2 ** 31

interface Worst {
  error: number
  at: number
}

/** What finds the largest error among the floats whose bit patterns are `first` to `first + TASK`. */
function scanner(exports: WebAssembly.Exports): (stated: Stated, first: number) => Worst {
  const memory = exports.memory as WebAssembly.Memory
  memory.grow(16)
  const base = (exports.base as () => number)()
  const words = new Uint32Array(memory.buffer, base, 6)
  const x = new Float32Array(memory.buffer, base + 64, COUNT)
  const y = new Float32Array(memory.buffer, base + 64 + 4 * COUNT, COUNT)
  const patterns = new Uint32Array(memory.buffer, x.byteOffset, COUNT)
  const results = new Uint32Array(memory.buffer, y.byteOffset, COUNT)
  const opposite = new Uint32Array(COUNT)

  function evaluate({ name, code }: Stated, start: number): void {
    for (let i = 0; i < COUNT; i++) patterns[i] = start + i
    if (code === undefined) {
      const call = exports[`${name}Array`] as (dst: number, src: number, count: number) => void
      call(y.byteOffset, x.byteOffset, COUNT)
    } else {
      words.set([y.byteOffset, x.byteOffset, COUNT, code, 0x3f800000])
      ;(exports.unary as (p: number) => void)(base)
    }
  }

  /** Whether the exact results of the block all round to one float, which is what was computed. */
  function isConstant({ exact, turns }: Stated): boolean {
    const nearest = Math.fround(exact(x[0]))
    if (turns || nearest !== Math.fround(exact(x[COUNT - 1]))) return false
    let i = 0
    while (i < COUNT && y[i] === nearest) i++
    return i === COUNT
  }

  return (stated, first) => {
    const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY, isOdd } = stated
    const worst = { error: 0, at: 0 }
    if (isOdd && first >= SIGN) return worst // seen beside the positive ones
    for (let start = first; start < first + TASK; start += COUNT) {
      if (isOdd) {
        evaluate(stated, start + SIGN)
        opposite.set(results)
      }
      evaluate(stated, start)
      for (let i = 0; isOdd && i < COUNT; i++)
        if (results[i] !== opposite[i] - SIGN && !Number.isNaN(y[i]))
          return { error: Number.POSITIVE_INFINITY, at: -x[i] }
      if (isConstant(stated)) continue
      for (let i = 0; i < COUNT; i++) {
        if (x[i] < from || x[i] > to) continue
        const error = errorAt(stated, x[i], y[i])
        if (error > worst.error) {
          worst.error = error
          worst.at = x[i]
        }
      }
    }
    return worst
  }
}

async function compiled(): Promise<Uint8Array<ArrayBuffer>> {
  let bytes: Uint8Array<ArrayBuffer> | undefined
  const entry = 'test/assembly/math-entry.ts'
  const options =
    '--runtime stub --enable simd --enable threads -O3 --converge --noAssert --use abort='.split(' ')
  const { error, stderr } = await asc.main([entry, '--outFile', 'out.wasm', ...options], {
    writeFile: (name, contents) => {
      if (name.endsWith('.wasm') && typeof contents !== 'string') bytes = Uint8Array.from(contents)
    },
  })
  if (error || !bytes) throw new Error(stderr.toString())
  return bytes
}

async function main(): Promise<void> {
  const names = process.argv.slice(2)
  const bytes = await compiled()
  const workers = Array.from(
    { length: availableParallelism() },
    () => new Worker(new URL(import.meta.url), { workerData: bytes }),
  )
  for (const stated of STATED) {
    if (names.length > 0 && !names.includes(stated.name)) continue
    const started = process.cpuUsage()
    let next = 0
    const parts = workers.map(async (worker) => {
      let worst: Worst = { error: 0, at: 0 }
      while (next < 2 ** 32) {
        const first = next
        next += TASK
        worker.postMessage([STATED.indexOf(stated), first])
        const found = await new Promise<Worst>((resolve) => worker.once('message', resolve))
        if (found.error > worst.error) worst = found
      }
      return worst
    })
    const { error, at } = (await Promise.all(parts)).reduce((a, b) => (b.error > a.error ? b : a))
    const { user, system } = process.cpuUsage(started)
    const seconds = ((user + system) / 1e6).toFixed(0)
    const isHeld = error <= stated.bound
    console.log(
      `${isHeld ? 'ok' : 'ABOVE'}  ${stated.name}: ${error.toPrecision(5)} at ${at} (stated ${stated.bound}), ${seconds} core s`,
    )
    if (!isHeld) process.exitCode = 1
  }
  for (const worker of workers) await worker.terminate()
}

if (isMainThread) await main()
else {
  const { instance } = await WebAssembly.instantiate(workerData as Uint8Array<ArrayBuffer>, {})
  const scan = scanner(instance.exports)
  parentPort?.on('message', ([index, first]: [number, number]) =>
    parentPort?.postMessage(scan(STATED[index], first)),
  )
}
