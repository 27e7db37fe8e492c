// The suite in a page of server.ts. Enters: the cases it fetches. Leaves: the report, or what went wrong, posted back.
// Threads, which a page's main thread mustn't wait for, are tried in its worker (inside.ts). The frame is the same library
// under a policy that forbids WebAssembly (forbidden.ts); it tells what it was told.
import type { GoldenCase } from '../golden-runner/case.ts'
import { runOnMainThread, runSuite, type Variant } from './suite.ts'

const post = (result: unknown): Promise<Response> =>
  fetch('/result', { method: 'POST', body: JSON.stringify(result) })

/** What the frame says, which it does in any case. */
function refused(): Promise<string> {
  return new Promise((resolve) => {
    addEventListener('message', ({ data }) => resolve(String(data)), { once: true })
    const frame = document.createElement('iframe')
    frame.src = '/forbidden.html'
    document.body.append(frame)
  })
}

/** What the worker says. */
function variantsInside(cases: readonly GoldenCase[]): Promise<Variant[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker('/inside.js', { type: 'module' })
    worker.onmessage = ({ data: { variants, error } }) => (error ? reject(error) : resolve(variants))
    worker.onerror = ({ message }) => reject(`worker: ${message ?? 'not started'}`)
    worker.postMessage(cases)
  })
}

try {
  const cases: GoldenCase[] = await (await fetch('/cases.json')).json()
  const report = await runSuite(cases)
  const onMainThread = await runOnMainThread()
  const variants = await variantsInside(cases)
  await post({ ...report, variants, onMainThread, refusal: await refused() })
} catch (error) {
  await post({ error: String(error) })
}
