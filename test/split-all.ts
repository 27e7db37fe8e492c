// For tests of threads: every kernel that can be split is, however small, and all helpers take part. Importable without
// a test runner.
import type { Engine } from '../src/runtime/engine.ts'

const PATIENCE_MS = 20_000

/** Waits until the helpers of `engine` have arrived, if it has any; then splits all work. */
export function splitAll(engine: Engine): void {
  const threads = Number(/(\d+) threads/.exec(engine.variant)?.[1] ?? 1)
  if (threads === 1) return
  const end = performance.now() + PATIENCE_MS
  while (engine.threadsReady < threads)
    if (performance.now() > end) throw new Error(`${engine.threadsReady} of ${threads} threads arrived`)
  engine.shareFrom(0)
}
