// npm run scan:math [-- --grid] [-- name ...]: the functions of assembly/math.ts and assembly/functions/ at every float32, each
// held to the bound in functions.ts. Prints the largest error of each and where it is; fails above a bound.
// --grid: at one float of 128, and at all floats around the places where errors are large or formulas change (functions.ts).
import { availableParallelism } from 'node:os'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import asc from 'assemblyscript/asc'
import { errorAt, placesOf, STATED, type Stated } from './functions.ts'

/** Bit patterns a worker is given at a time, floats the wasm makes at once, patterns from one float of the grid to the next. */
const TASK = 2 ** 26
const COUNT = 2 ** 16
const GRID = 128
const SIGN = 2 ** 31

/** Function, first bit pattern, how many of them, and of how many one is taken. */
type Task = readonly [index: number, first: number, patterns: number, step: number]

interface Worst {
  error: number
  at: number
}

/** What finds the largest error among the floats of a task. */
function scanner(exports: WebAssembly.Exports): (task: Task) => Worst {
  const memory = exports.memory as WebAssembly.Memory
  memory.grow(16)
  const base = (exports.base as () => number)()
  const x = new Float32Array(memory.buffer, base, COUNT)
  const y = new Float32Array(memory.buffer, base + 4 * COUNT, COUNT)
  const patterns = new Uint32Array(memory.buffer, x.byteOffset, COUNT)
  const results = new Uint32Array(memory.buffer, y.byteOffset, COUNT)
  const opposite = new Uint32Array(COUNT)

  function evaluate({ name, code }: Stated, start: number, step: number): void {
    for (let i = 0; i < COUNT; i++) patterns[i] = start + i * step + ((i * 37) % step)
    const call = exports[`${code === undefined ? name : 'function'}Array`] as (...args: number[]) => void
    call(y.byteOffset, x.byteOffset, COUNT, code ?? 0)
  }

  /** Whether the exact results of the block all round to one float, which is what was computed. */
  function isConstant({ exact, turns }: Stated): boolean {
    const nearest = Math.fround(exact(x[0]))
    if (turns || nearest !== Math.fround(exact(x[COUNT - 1]))) return false
    let i = 0
    while (i < COUNT && y[i] === nearest) i++
    return i === COUNT
  }

  return ([index, first, count, step]) => {
    const stated = STATED[index]
    const { exact, from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY, isOdd } = stated
    const worst = { error: 0, at: 0 }
    if (isOdd && first >= SIGN) return worst // seen beside the positive ones
    for (let start = first; start < first + count; start += COUNT * step) {
      if (isOdd) {
        evaluate(stated, start + SIGN, step)
        opposite.set(results)
      }
      evaluate(stated, start, step)
      for (let i = 0; isOdd && i < COUNT; i++)
        if ((results[i] ^ opposite[i]) >>> 0 !== SIGN && !Number.isNaN(y[i]))
          return { error: Number.POSITIVE_INFINITY, at: -x[i] }
      if (isConstant(stated)) continue
      for (let i = 0; i < COUNT; i++) {
        if (x[i] < from || x[i] > to) continue
        const want = exact(x[i])
        if (y[i] === Math.fround(want)) continue
        const error = errorAt(stated, x[i], y[i], want)
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

/** The tasks of a function, the last first. */
function tasksOf(index: number, isGrid: boolean): Task[] {
  const all = Array.from(
    { length: 2 ** 32 / TASK },
    (_, i): Task => [index, i * TASK, TASK, isGrid ? GRID : 1],
  )
  if (!isGrid) return all
  const around = placesOf(STATED[index]).map((x): Task => {
    const pattern = new Uint32Array(Float32Array.of(x).buffer)[0]
    return [index, Math.max(0, pattern - COUNT / 2), COUNT, 1]
  })
  return [...all, ...around]
}

async function main(): Promise<void> {
  const isGrid = process.argv.includes('--grid')
  const names = process.argv.slice(2).filter((name) => name !== '--grid')
  const bytes = await compiled()
  const workers = Array.from(
    { length: availableParallelism() },
    () => new Worker(new URL(import.meta.url), { workerData: bytes }),
  )
  for (const stated of STATED) {
    if (names.length > 0 && !names.includes(stated.name)) continue
    const started = process.cpuUsage()
    const tasks = tasksOf(STATED.indexOf(stated), isGrid)
    const parts = workers.map(async (worker) => {
      let worst: Worst = { error: 0, at: 0 }
      for (let task = tasks.pop(); task; task = tasks.pop()) {
        worker.postMessage(task)
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
  parentPort?.on('message', (task: Task) => parentPort?.postMessage(scan(task)))
}
