// Threads of an engine: workers, each with instances of its own over the engine's memory, that wait inside wasm for their
// parts of a kernel (assembly/parallel.ts). JavaScript only starts and ends them: a step is one call, whatever their
// number, and until a worker has arrived the others do without it. No eval: a worker's program is a data or blob URL.
import { JOB_TURN } from '../../assembly/abi.ts'

/** What a worker is given. */
interface Team {
  readonly memory: WebAssembly.Memory
  readonly core: WebAssembly.Module
  /** Modules whose kernels are split. */
  readonly modules: readonly WebAssembly.Module[]
}

interface Ended {
  terminate(): unknown
}

interface NodeWorker extends Ended {
  on(event: 'error', listener: () => void): unknown
  unref(): void
}

interface NodeThreads {
  readonly Worker: new (
    program: URL,
    options: { readonly workerData: Team; readonly execArgv: [] },
  ) => NodeWorker
}

/** What Node, Deno and Bun bring; nothing of it exists in a browser. */
interface Host {
  readonly process?: { getBuiltinModule?(name: string): unknown }
}

const RUN =
  'const run=({memory,core,modules})=>{' +
  'const e=new WebAssembly.Instance(core,{env:{memory}}).exports,{table}=e;' +
  'table.grow(512-table.length);' +
  'for(const m of modules)new WebAssembly.Instance(m,{env:{memory,table}});' +
  `const w=new Int32Array(memory.buffer);for(;;)Atomics.wait(w,${JOB_TURN / 4},e.help())};`

const warned = /*#__PURE__*/ new Set<string>()

/** On the console, once each. */
export function warn(text: string): void {
  if (!warned.has(text)) console.warn(`lanegrad: ${text}`)
  warned.add(text)
}

const builtin = <M>(name: string): M | undefined =>
  (globalThis as Host).process?.getBuiltinModule?.(name) as M | undefined

/** Threads for `auto`: one for each core, 8 at most. */
export function coreCount(): number {
  const { hardwareConcurrency } = globalThis.navigator ?? {}
  const count =
    hardwareConcurrency ?? builtin<{ availableParallelism(): number }>('node:os')?.availableParallelism()
  return Math.min(count ?? 1, 8)
}

const HEADERS =
  'headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp'

/** Why there can be no threads here; null: there can. */
export function whyNoThreads(): string | null {
  if (typeof SharedArrayBuffer === 'undefined' || globalThis.crossOriginIsolated === false)
    return `memory can't be shared: a page must be cross-origin isolated for that (${HEADERS})`
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

function startWorker(team: Team): Ended {
  const refused = () => warn('threads: a worker did not start, so there is one thread less')
  const node = builtin<NodeThreads>('node:worker_threads')
  if (node) {
    const program = `import{workerData}from'node:worker_threads';${RUN}run(workerData)`
    const url = new URL(`data:text/javascript,${encodeURIComponent(program)}`)
    const worker = new node.Worker(url, { workerData: team, execArgv: [] })
    worker.unref() // Node ends when only helpers are left
    worker.on('error', refused)
    return worker
  }
  const url = URL.createObjectURL(new Blob([`${RUN}onmessage=e=>run(e.data)`], { type: 'text/javascript' }))
  const worker = new Worker(url)
  worker.onerror = refused
  worker.postMessage(team)
  return worker
}

/** Ends the workers of engines that were dropped without `dispose`. */
const dropped = /*#__PURE__*/ new FinalizationRegistry<readonly Ended[]>((workers) => {
  for (const worker of workers) worker.terminate()
})

/** Starts `count` workers; they live until the function returned is called, or `owner` is gone. */
export function startHelpers(owner: object, count: number, team: Team): () => void {
  const workers: Ended[] = []
  try {
    for (let i = 0; i < count; i++) workers.push(startWorker(team))
  } catch {
    warn(
      'threads: no worker may be started here (a Content-Security-Policy needs worker-src blob:), so there is one thread',
    )
  }
  dropped.register(owner, workers, workers)
  return () => {
    dropped.unregister(workers)
    for (const worker of workers) worker.terminate()
  }
}
