// Threads of an engine: workers, each with instances of its own over the engine's memory, that look inside wasm for
// parts of kernels (assembly/parallel.ts). JavaScript only starts them, sends them modules and ends them: a step is one
// call, whatever their number, and what a worker hasn't got yet the others do without it. No eval: a worker's program is
// a data or blob URL.
import {
  JOB_COUNT_SHIFT,
  JOB_HELPERS,
  JOB_PARTS_SHIFT,
  JOB_TEAM_SHIFT,
  JOB_TURN,
} from '../../assembly/abi.ts'
import { builtin, print } from '../numerics/host.ts'

/** The workers of an engine. */
export interface Helpers {
  /** Makes kernels of further modules theirs; until they have them, the first thread is alone. Not while it computes. */
  add(modules: readonly WebAssembly.Module[]): void
  end(): void
}

/** What a worker is sent: with the memory comes the core, as the first module. */
interface Message {
  readonly memory?: WebAssembly.Memory
  readonly modules: readonly WebAssembly.Module[]
}

interface Thread {
  postMessage(message: Message): void
  terminate(): unknown
}

interface NodeWorker extends Thread {
  on(event: 'error', listener: () => void): unknown
  unref(): void
}

interface NodeThreads {
  readonly Worker: new (program: URL, options: { readonly execArgv: [] }) => NodeWorker
}

/**
 * A worker's team is the number of messages it has had, but the first. It never leaves `run` until there is another team;
 * then it gets the next message. (The turn changes with the team: no wait is begun in between.)
 */
const RUN =
  'let core,env,words,team=-1;' +
  'const run=({memory,modules})=>{' +
  'for(const m of modules){' +
  'const e=new WebAssembly.Instance(m,{env:env||{memory}}).exports;' +
  'if(!env){core=e;words=new Int32Array(memory.buffer);const{table}=e;table.grow(512-table.length);env={memory,table}}}' +
  'team++;' +
  'for(;;){const turn=core.help(team);' +
  `if(Atomics.load(words,${JOB_HELPERS / 4})>>${JOB_PARTS_SHIFT}!==team)break;` +
  `Atomics.wait(words,${JOB_TURN / 4},turn)}};`

const warned = /*#__PURE__*/ new Set<string>()

/** On the console, once each. */
export function warn(text: string): void {
  if (!warned.has(text)) print('warn', `lanegrad: ${text}`)
  warned.add(text)
}

/** Threads for `auto`: one for each core, 8 at most. */
export function coreCount(): number {
  const { hardwareConcurrency } = globalThis.navigator ?? {}
  const count =
    hardwareConcurrency ?? builtin<{ availableParallelism(): number }>('node:os')?.availableParallelism()
  return Math.min(count ?? 1, 8)
}

const HEADERS =
  'headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp'

const POLICY = 'a Content-Security-Policy needs worker-src blob:'

/** Why there can be no threads here; null: there can. */
export function whyNoThreads(): string | null {
  const canShare = typeof SharedArrayBuffer !== 'undefined' && globalThis.crossOriginIsolated !== false
  const memory = canShare
    ? ''
    : `memory can't be shared: a page must be cross-origin isolated for that (${HEADERS})`
  if (canShare ? !maySleep() : 'document' in globalThis)
    return `a page's main thread must not wait for others: train in a worker (lanegrad/worker)${memory && `; ${memory}`}`
  if (memory) return memory
  if (!builtin('node:worker_threads') && typeof Worker === 'undefined') return 'this runtime has no workers'
  return null
}

/** Whether this thread may sleep until another wakes it: not a page's main thread. */
export function maySleep(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1)
    return true
  } catch {
    return false
  }
}

function startWorker(): Thread {
  const refused = () => warn(`threads: a worker did not start (${POLICY}), so there is one thread less`)
  const node = builtin<NodeThreads>('node:worker_threads')
  if (node) {
    const program = `import{parentPort}from'node:worker_threads';${RUN}parentPort.on('message',run)`
    const url = new URL(`data:text/javascript,${encodeURIComponent(program)}`)
    const worker = new node.Worker(url, { execArgv: [] })
    worker.unref() // Node ends when only helpers are left
    worker.on('error', refused)
    return worker
  }
  const url = URL.createObjectURL(new Blob([`${RUN}onmessage=e=>run(e.data)`], { type: 'text/javascript' }))
  const worker = new Worker(url)
  worker.onerror = refused
  return worker
}

/** Ends the workers of engines that were dropped without `dispose`. */
let dropped: FinalizationRegistry<() => void> | undefined

/** Starts `count` workers with the core and what comes behind it; they live until they are ended, or `owner` is gone. */
export function startHelpers(
  owner: object,
  count: number,
  memory: WebAssembly.Memory,
  modules: readonly WebAssembly.Module[],
): Helpers {
  const workers: Thread[] = []
  try {
    for (let i = 0; i < count; i++) {
      const worker = startWorker()
      worker.postMessage({ memory, modules })
      workers.push(worker)
    }
  } catch {
    warn(`threads: no worker may be started here (${POLICY}), so there is one thread`)
  }
  const words = new Int32Array(memory.buffer) // its first words: good for ever
  let team = 0
  const nextTeam = () => {
    team++
    Atomics.store(words, JOB_HELPERS / 4, team << JOB_PARTS_SHIFT)
    // a job of no parts: who sleeps wakes, who looks sees the team
    const count = (Atomics.load(words, JOB_TURN / 4) >> JOB_COUNT_SHIFT) + 1
    Atomics.store(words, JOB_TURN / 4, (count << JOB_COUNT_SHIFT) | (team << JOB_TEAM_SHIFT))
    Atomics.notify(words, JOB_TURN / 4)
  }
  const end = () => {
    nextTeam() // Chromium gives a worker that computes or waits two seconds to end, and its memory as long
    for (const worker of workers) worker.terminate()
  }
  if (typeof FinalizationRegistry === 'function')
    dropped ??= new FinalizationRegistry<() => void>((finish) => finish())
  dropped?.register(owner, end, end)
  return {
    add(more) {
      for (const worker of workers) worker.postMessage({ modules: more })
      nextTeam()
    },
    end() {
      dropped?.unregister(end)
      end()
    },
  }
}
