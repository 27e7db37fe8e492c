// One subject and one net, away from the page's thread. Enters: `load`, then any number of `turn`, then `end`.
// Leaves: a reply to each. The checks are those of the bench: the first loss must be the net's, and the loss of the
// first batch must have become lower in the end.
import { nets } from '../nets.mjs'
import { haveTrained, trainersOf } from '../suites/checks.mjs'

/** @typedef {{ do: 'load', subject: string, runtime?: import('../subjects/index.mjs').Runtime, net: string, turnMs: number }} Load */
/** @typedef {Load | { do: 'turn' } | { do: 'end' }} Request */
/** @typedef {{ leftOut?: string, error?: string, msPerStep?: number, steps?: number, version?: string }} Reply */

const WARM_MS = 150

/** @type {Record<string, () => Promise<{ subject: import('../subjects/index.mjs').Subject }>>} */
const SUBJECTS = {
  lanegrad: () => import('../subjects/lanegrad.mjs'),
  'plain-js': () => import('../subjects/plain-js.mjs'),
  'tfjs-wasm': async () => {
    const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm')
    setWasmPaths(new URL('./', location.href).href)
    return import('../subjects/tfjs-wasm.mjs')
  },
  'tfjs-cpu': () => import('../subjects/tfjs-cpu.mjs'),
}

/** @type {import('../nets.mjs').Net} */
let net
/** @type {Awaited<ReturnType<typeof trainersOf>>['running']} */
let running = []
let done = 1
let stepsPerTurn = 1

/** @param {number} count */
async function time(count) {
  const [{ trainer }] = running
  const start = performance.now()
  for (let i = 0; i < count; i++) {
    const pending = trainer.step(done + i)
    if (pending instanceof Promise) await pending
  }
  const ms = performance.now() - start
  done += count
  // a moment for workers of its own to arrive
  await new Promise((resolve) => setTimeout(resolve))
  return ms
}

/** @param {Load} load @returns {Promise<Reply>} */
async function load({ subject: name, runtime, net: netName, turnMs }) {
  const { subject } = await SUBJECTS[name]()
  const leftOut = await subject.available()
  if (leftOut) return { leftOut }
  if (runtime?.isRelaxed) {
    const variants = (await subject.variants?.(1)) ?? []
    if (!variants.some(({ runtime: { isRelaxed } }) => isRelaxed))
      return { leftOut: 'this engine has no relaxed SIMD' }
  }
  const make = nets().find((one) => one.name === netName)?.make
  if (!make) throw new Error(`no net ${netName}`)
  net = make()
  const { running: made, errors, notes } = await trainersOf(net, [{ subject, runtime }])
  if (errors.length) return { error: errors.join('; ') }
  if (!made.length) return { leftOut: notes.map(({ reason }) => reason).join('; ') }
  running = made
  let spent = 0
  for (let count = 1; ; count *= 2) {
    const ms = await time(count)
    spent += ms
    stepsPerTurn = Math.max(1, Math.round((turnMs * count) / Math.max(ms, 1e-3)))
    if (spent >= WARM_MS) break
  }
  return { version: subject.version() }
}

/** @param {Request} request @returns {Promise<Reply>} */
async function answer(request) {
  if (request.do === 'load') return load(request)
  if (request.do === 'turn')
    return { msPerStep: (await time(stepsPerTurn)) / stepsPerTurn, steps: stepsPerTurn }
  const errors = await haveTrained(net, running)
  return errors.length ? { error: errors.join('; ') } : {}
}

/** @param {MessageEvent<Request>} event */
self.onmessage = async ({ data }) => {
  try {
    self.postMessage(await answer(data))
  } catch (error) {
    self.postMessage({ error: error instanceof Error ? error.message : String(error) })
  }
}
