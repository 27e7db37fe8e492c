// Interleaved timing: in every round each entry gets one sample, so a drift of the machine hits all alike.
// Enters: entries, each a call to repeat. Leaves: milliseconds per call, one number a round.
// It assumes nothing else of importance runs in the process; it never runs two entries at once.

/**
 * @typedef {object} Entry
 * @property {() => void | Promise<void>} [activate]  untimed, before each sample
 * @property {(i: number) => unknown} run  one call; i counts the calls; a promise is awaited
 * @property {(from: number, count: number) => Promise<number>} [time]  milliseconds of `count` calls, where what is
 *   measured runs elsewhere and has a clock of its own
 */

/** @typedef {{ rounds: number, sampleMs: number, warmMs: number, mostMs: number }} Timing  mostMs: see interleave */

/**
 * Calls `run` `count` times and returns the milliseconds it took.
 * @param {Entry['run']} run @param {number} from @param {number} count
 */
async function time(run, from, count) {
  const end = from + count
  const start = performance.now()
  for (let i = from; i < end; i++) {
    const pending = run(i)
    if (pending instanceof Promise) await pending
  }
  return performance.now() - start
}

/**
 * An entry whose samples would last longer than `mostMs` in all takes part in fewer rounds, two at least.
 * @param {Entry[]} entries
 * @param {Timing} timing
 * @returns {Promise<number[][]>} per entry and round: ms per call
 */
export async function interleave(entries, { rounds, sampleMs, warmMs, mostMs }) {
  const states = []
  for (const { activate, run, time: own } of entries) {
    await activate?.()
    const timed = own ?? ((/** @type {number} */ from, /** @type {number} */ count) => time(run, from, count))
    // Warm until the engine's best code runs; only the last stretch, twice as long as all before, sizes the samples.
    let done = 0,
      spent = 0,
      last = 0,
      lastCount = 1
    for (let count = 1; ; count *= 2) {
      last = await timed(done, count)
      lastCount = count
      done += count
      spent += last
      if (spent >= warmMs && (done >= 3 || spent >= mostMs / 3)) break
    }
    const callsPerSample = Math.max(1, Math.round((sampleMs * lastCount) / Math.max(last, 1e-6)))
    const ownRounds = Math.max(2, Math.floor((mostMs * lastCount) / (callsPerSample * last)))
    states.push({
      activate,
      timed,
      done,
      callsPerSample,
      rounds: Math.min(rounds, ownRounds),
      samples: /** @type {number[]} */ ([]),
    })
  }
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < states.length; i++) {
      const state = states[(i + round) % states.length] // nobody always runs behind the same neighbour
      if (state.samples.length === state.rounds) continue
      await state.activate?.()
      const elapsed = await state.timed(state.done, state.callsPerSample)
      state.done += state.callsPerSample
      state.samples.push(elapsed / state.callsPerSample)
    }
  }
  return states.map((state) => state.samples)
}
