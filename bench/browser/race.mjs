// One net, several runners, in turns: each in a worker of its own, never two at once.
// Enters: a net's name and runners. Leaves: a state of each after every turn. It draws nothing.

/** @typedef {{ name: string, subject: string, runtime?: import('../subjects/index.mjs').Runtime }} Runner */

/**
 * @typedef {object} State
 * @property {'waiting' | 'loading' | 'running' | 'done' | 'left out' | 'wrong'} at
 * @property {number[]} samples  ms a step, one a turn
 * @property {number} steps
 * @property {string} [text]  why it is left out, or what is wrong
 * @property {string} [version]
 */

/** @typedef {import('./worker.mjs').Reply} Reply */

const ROUNDS = 9
const TURN_MS = 120
/** A subject this slow has fewer turns. */
const MOST_MS = 5000

/** A worker as a function from request to reply. */
function startWorker() {
  const worker = new Worker('worker.js', { type: 'module' })
  /** @type {(reply: Reply) => void} */
  let settle = () => {}
  worker.onmessage = ({ data }) => settle(data)
  worker.onerror = (event) => settle({ error: event.message || 'the worker did not start' })
  return {
    /** @param {import('./worker.mjs').Request} request @returns {Promise<Reply>} */
    ask: (request) =>
      new Promise((resolve) => {
        settle = resolve
        worker.postMessage(request)
      }),
    /** A question still open is answered. */
    end() {
      worker.terminate()
      settle({ error: 'stopped' })
    },
  }
}

/**
 * @param {string} net @param {Runner[]} runners
 * @param {(states: State[]) => void} show  after every change
 * @param {AbortSignal} signal
 */
export async function race(net, runners, show, signal) {
  /** @type {State[]} */
  const states = runners.map(() => ({ at: 'waiting', samples: [], steps: 0 }))
  const workers = runners.map(() => startWorker())
  const end = () => {
    for (const worker of workers) worker.end()
  }
  signal.addEventListener('abort', end, { once: true })
  /** @param {number} i @param {import('./worker.mjs').Request} request @param {Partial<State>} next */
  const ask = async (i, request, next) => {
    const reply = await workers[i].ask(request)
    if (signal.aborted) return
    if (reply.error) Object.assign(states[i], { at: 'wrong', text: reply.error })
    else if (reply.leftOut) Object.assign(states[i], { at: 'left out', text: reply.leftOut })
    else Object.assign(states[i], next, reply.version && { version: reply.version })
    if (reply.msPerStep !== undefined) {
      states[i].samples.push(reply.msPerStep)
      states[i].steps += reply.steps ?? 0
    }
    show(states)
  }
  try {
    for (let i = 0; i < runners.length && !signal.aborted; i++) {
      states[i].at = 'loading'
      show(states)
      const { subject, runtime } = runners[i]
      await ask(i, { do: 'load', subject, runtime, net, turnMs: TURN_MS }, { at: 'running' })
    }
    const spent = runners.map(() => 0)
    for (let round = 0; round < ROUNDS; round++) {
      for (let turn = 0; turn < runners.length && !signal.aborted; turn++) {
        const i = (turn + round) % runners.length // nobody always runs behind the same neighbour
        if (states[i].at !== 'running' || spent[i] > MOST_MS) continue
        const start = performance.now()
        await ask(i, { do: 'turn' }, {})
        spent[i] += performance.now() - start
      }
    }
    for (let i = 0; i < runners.length && !signal.aborted; i++) {
      if (states[i].at === 'running') await ask(i, { do: 'end' }, { at: 'done' })
    }
  } finally {
    signal.removeEventListener('abort', end)
    end()
  }
}
