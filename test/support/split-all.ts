// For tests of threads: every kernel that can be split is, however small, and all helpers take part, of kernels of modules
// too. Importable without a test runner.
import type { Engine } from '../../src/runtime/engine.ts'

const PATIENCE_MS = 20_000

const threadsOf = ({ variant }: Engine): number => Number(/(\d+) threads/.exec(variant)?.[1] ?? 1)

/** Whether the helpers are there. @throws Error after `end` */
function areThere(engine: Engine, threads: number, end: number): boolean {
  const ready = engine.team?.ready ?? 1
  if (ready === threads) return true
  if (performance.now() > end) throw new Error(`${ready} of ${threads} threads arrived`)
  return false
}

/** Sleeps between two looks, so that the helpers have the core. */
function waitForHelpers(engine: Engine, threads: number): void {
  const end = performance.now() + PATIENCE_MS
  const clock = new Int32Array(new SharedArrayBuffer(4))
  while (!areThere(engine, threads, end)) Atomics.wait(clock, 0, 0, 1)
}

/** Waits until the helpers of `engine` have arrived, if it has any, now and after every plan is loaded; splits all work. */
export function splitAll(engine: Engine): void {
  const threads = threadsOf(engine)
  if (threads === 1) return
  const load = engine.load.bind(engine)
  engine.load = (plan) => {
    load(plan)
    waitForHelpers(engine, threads)
  }
  waitForHelpers(engine, threads)
  engine.shareFrom(0)
}

/** The same in a browser, which starts a worker's workers only in the turns of its event loop. */
export async function splitAllInTurns(engine: Engine): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  while (!areThere(engine, threadsOf(engine), end)) await new Promise((resolve) => setTimeout(resolve, 1))
  splitAll(engine)
}
