// Threads of an engine: workers, each with instances of its own over the engine's memory, that look inside wasm for
// parts of kernels (assembly/threads.ts). JavaScript only starts them, sends them modules and ends them: a step is one
// call, whatever their number, and what a worker hasn't got yet the others do without it. No eval: a worker's program is
// a data or blob URL. A thread of the program (its main thread, a worker) has a bounded number of them for all engines.
import {
  JOB_COUNT_SHIFT,
  JOB_DONE,
  JOB_HELPERS,
  JOB_LOST,
  JOB_PARTS_SHIFT,
  JOB_SLEEPERS,
  JOB_TEAM_SHIFT,
  JOB_TURN,
} from '../../assembly/abi.ts'
import { messageOf } from '../numerics/brands.ts'
import { builtin, warnOnce } from '../numerics/host.ts'

/** The messages to a worker: with the memory comes the core, as the first module. */
interface Message {
  readonly memory?: WebAssembly.Memory
  readonly modules: readonly WebAssembly.Module[]
  /** The worker's from now on. */
  readonly team: number
}

interface Thread {
  postMessage(message: Message): void
  terminate(): unknown
}

interface NodeWorker extends Thread {
  on(event: 'error', listener: (error: unknown) => void): unknown
  unref(): void
}

interface NodeThreads {
  readonly Worker: new (program: URL, options: { readonly execArgv: [] }) => NodeWorker
}

/**
 * A worker never leaves `run` until there is another team; then it gets the next message. (The turn changes with the team:
 * no wait is begun in between.) One that fails within a part says so, since the first thread waits for that part.
 */
const RUN =
  'let helper,env,words;' +
  'const help=team=>{try{return helper.help(team)}catch(e){' +
  `Atomics.or(words,${JOB_DONE / 4},${JOB_LOST});Atomics.notify(words,${JOB_DONE / 4});throw e}};` +
  'const run=({memory,modules,team})=>{' +
  'for(const m of modules){' +
  'const e=new WebAssembly.Instance(m,{env:env||{memory}}).exports;' +
  'if(e.help)helper=e;if(!env){words=new Int32Array(memory.buffer);const{table}=e;table.grow(512-table.length);env={memory,table}}}' +
  'for(;;){const turn=help(team);' +
  `if(Atomics.load(words,${JOB_HELPERS / 4})>>${JOB_PARTS_SHIFT}!==team)break;` +
  `Atomics.wait(words,${JOB_TURN / 4},turn)}};`

const POLICY = 'a Content-Security-Policy needs worker-src blob:'

/** `failed` hears of a worker that did not start, or ended by an error. */
function startWorker(failed: (worker: Thread, why: string) => void): Thread {
  const node = builtin<NodeThreads>('node:worker_threads')
  if (node) {
    const program = `import{parentPort}from'node:worker_threads';${RUN}parentPort.on('message',run)`
    const url = new URL(`data:text/javascript,${encodeURIComponent(program)}`)
    const worker = new node.Worker(url, { execArgv: [] })
    worker.unref() // Node ends when only helpers are left
    worker.on('error', (error) => failed(worker, messageOf(error)))
    return worker
  }
  const url = URL.createObjectURL(new Blob([`${RUN}onmessage=e=>run(e.data)`], { type: 'text/javascript' }))
  const worker = new Worker(url)
  worker.onerror = ({ message }) => failed(worker, message || `its script was refused (${POLICY})`)
  return worker
}

/** Helpers of all engines that live at once, unless one engine alone wants more: each takes some 9 MB. */
const MOST_HELPERS = 16

/** Those that live, the ones whose engine has longest loaded no plan first. */
const living = /*#__PURE__*/ new Set<Helpers>()

/** Ends the helpers of engines that were dropped without `dispose`, when they are collected. */
let dropped: FinalizationRegistry<Helpers> | undefined

/** The workers of an engine: `count` where all can be had. They live until they are ended, make room, or `owner` is gone. */
export class Helpers {
  private readonly workers = new Set<Thread>()
  /** The memory's first words: good for ever. */
  private readonly words: Int32Array
  /** Whether others needed the room. */
  isEnded = false

  constructor(
    owner: object,
    count: number,
    memory: WebAssembly.Memory,
    modules: readonly WebAssembly.Module[],
  ) {
    this.words = new Int32Array(memory.buffer)
    let room = MOST_HELPERS - count
    for (const helpers of [...living].reverse()) {
      room -= helpers.count
      if (room < 0) helpers.end()
    }
    living.add(this)
    const team = this.nextTeam()
    try {
      while (this.count < count) {
        const worker = startWorker((failed, why) => this.lose(failed, why))
        this.workers.add(worker)
        worker.postMessage({ memory, modules, team })
      }
    } catch (error) {
      this.tell(messageOf(error))
    }
    if (typeof FinalizationRegistry === 'function') {
      dropped ??= new FinalizationRegistry((helpers) => helpers.end())
      dropped.register(owner, this, this)
    }
  }

  /** How many there are: fewer than wanted where some could not be started, or have failed. */
  get count(): number {
    return this.workers.size
  }

  /** Makes kernels of further modules theirs; until they have them, the first thread is alone. Not while it computes. */
  add(modules: readonly WebAssembly.Module[]): void {
    const team = this.nextTeam()
    for (const worker of this.workers) worker.postMessage({ modules, team })
  }

  /** Their engine loads a plan: they are the last to make room for others. */
  touch(): void {
    living.delete(this)
    living.add(this)
  }

  end(): void {
    living.delete(this)
    dropped?.unregister(this)
    this.isEnded = true
    this.nextTeam() // Chromium gives a worker that computes or waits two seconds to end, and its memory as long
    for (const worker of this.workers) worker.terminate()
    this.workers.clear()
    this.words[JOB_SLEEPERS / 4] = 0
  }

  private lose(worker: Thread, why: string): void {
    if (!this.workers.delete(worker)) return
    worker.terminate()
    this.tell(why)
    this.add([]) // the others without it
  }

  private tell(why: string): void {
    warnOnce(`threads: a worker can't be had: ${why}; ${1 + this.count} of the threads compute`)
  }

  /** Its number. Helpers of other teams leave wasm. */
  private nextTeam(): number {
    const { words } = this
    const team = ((Atomics.load(words, JOB_HELPERS / 4) >> JOB_PARTS_SHIFT) + 1) & 31
    Atomics.store(words, JOB_HELPERS / 4, team << JOB_PARTS_SHIFT)
    // a job of no parts: who sleeps wakes, who looks sees the team
    const count = (Atomics.load(words, JOB_TURN / 4) >> JOB_COUNT_SHIFT) + 1
    Atomics.store(words, JOB_TURN / 4, (count << JOB_COUNT_SHIFT) | (team << JOB_TEAM_SHIFT))
    Atomics.notify(words, JOB_TURN / 4)
    return team
  }
}
