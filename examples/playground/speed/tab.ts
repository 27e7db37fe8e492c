// Speed: the race of worker.ts as bars and a table.
import { button, choice, grouped, h, panel } from '../lib/dom.ts'
import { type MakeTab, type Rule, readSettings, writePlace } from '../lib/state.ts'
import type { Lap, Problem, Side } from './worker.ts'

const defaults = { hidden: 128, batch: 64, seconds: 3 }
type Settings = typeof defaults
const sizes = {
  hidden: [16, 32, 64, 128, 256, 512],
  batch: [1, 8, 16, 32, 64, 128, 256],
  seconds: [1, 3, 10],
}
const rules: { readonly [K in keyof Settings]: Rule } = {
  hidden: { of: sizes.hidden },
  batch: { of: sizes.batch },
  seconds: { of: sizes.seconds },
}
const INPUTS = 784
const CLASSES = 10
const LOSS_STEP = 50
const texts = (values: readonly number[], unit = '') =>
  Object.fromEntries(values.map((value) => [` ${value}`, `${value}${unit}`]))

const sides = { wasm: 'lanegrad (wasm SIMD)', plain: 'plain JavaScript' } as const

/** The guide: what to try here. */
const tries = [
  {
    text: 'Press Run. Both sides train the same network on the same data, in turns, on this device.',
    link: '#speed',
  },
  {
    text: 'Try fewer hidden units: with little work in a step, the two come closer.',
    link: '#speed?hidden=16',
  },
  {
    text: 'Try a larger network and a larger batch: the more work a step has, the more the SIMD lanes help.',
    link: '#speed?hidden=512&batch=256',
  },
]

export const makeTab: MakeTab = (root, onChange) => {
  let settings: Settings = { ...defaults }
  let worker: Worker | null = null

  const makeRow = (name: keyof typeof sides) => ({
    text: sides[name],
    fill: h('i', { class: name === 'wasm' ? 'i-blue' : 'i-orange' }),
    value: h('b', { 'data-figure': `steps-${name}` }, '–'),
    cells: ['rate', 'ms', 'best', 'flops', 'loss'].map(() => h('td', { class: 'num' }, '–')),
  })
  const rows = { wasm: makeRow('wasm'), plain: makeRow('plain') }
  const verdict = h(
    'p',
    { role: 'status', 'data-figure': 'verdict' },
    'Press Run: a few seconds on this device.',
  )

  const run = button('Run', () => (worker ? stop('Stopped.') : begin()), {
    class: 'main',
    'data-action': 'run',
  })

  function stop(text: string): void {
    worker?.terminate()
    worker = null
    run.textContent = 'Run'
    verdict.textContent = text
  }

  function begin(): void {
    const made = new Worker('worker.js', { type: 'module' })
    worker = made
    run.textContent = 'Stop'
    verdict.textContent = 'Warming up …'
    made.onmessage = ({ data }: MessageEvent<Lap>) => {
      if (worker !== made) return
      show(data)
    }
    made.onerror = (event) => stop(`The race can't run here: ${event.message}`)
    const problem: Problem = {
      hidden: settings.hidden,
      batchSize: settings.batch,
      seconds: settings.seconds,
    }
    made.postMessage(problem)
  }

  const rateOf = ({ steps, ms }: Side) => (ms > 0 ? (steps * 1000) / ms : 0)

  function show(lap: Lap): void {
    const most = Math.max(rateOf(lap.wasm), rateOf(lap.plain), 1e-9)
    // forward and the two products of backward, the gradient of the input left out
    const flops = 2 * settings.batch * (2 * INPUTS * settings.hidden + 3 * settings.hidden * CLASSES)
    for (const name of ['wasm', 'plain'] as const) {
      const side = lap[name]
      const { fill, value, cells } = rows[name]
      const rate = rateOf(side)
      if (rate === 0) continue
      fill.style.transform = `scaleX(${rate / most})`
      value.textContent = `${rate < 100 ? rate.toFixed(1) : grouped(rate)} steps/s`
      const numbers = [
        rate < 100 ? rate.toFixed(1) : grouped(rate),
        (1000 / rate).toFixed(3),
        side.best.toFixed(3),
        ((rate * flops) / 1e9).toFixed(2),
        Number.isFinite(side.loss) ? side.loss.toFixed(5) : '…',
      ]
      for (const [i, cell] of cells.entries()) cell.textContent = numbers[i]
    }
    const times = rateOf(lap.wasm) / rateOf(lap.plain)
    if (Number.isFinite(times))
      verdict.textContent = `${sides.wasm} trains ${times.toFixed(1)} times as fast${lap.isDone ? ' on this device.' : ' so far …'}`
    if (lap.isDone) stop(verdict.textContent ?? '')
  }

  function clear(): void {
    if (worker) stop('')
    verdict.textContent = 'Press Run: a few seconds on this device.'
    for (const { fill, value, cells } of Object.values(rows)) {
      fill.style.transform = 'scaleX(0)'
      for (const cell of [value, ...cells]) cell.textContent = '–'
    }
  }

  const reset = button('Reset', clear, { 'data-action': 'reset' })

  function change(patch: Partial<Settings>): void {
    Object.assign(settings, patch)
    clear()
    onChange()
  }
  const controls = {
    hidden: choice('Hidden units', texts(sizes.hidden), (text) => change({ hidden: Number(text) })),
    batch: choice('Batch size', texts(sizes.batch), (text) => change({ batch: Number(text) })),
    seconds: choice('Time for each', texts(sizes.seconds, ' s'), (text) => change({ seconds: Number(text) })),
  }
  const title = h('h2', {})
  const paintTitle = () => {
    title.textContent = `Training steps a second: ${INPUTS}-${settings.hidden}-${CLASSES}, batches of ${settings.batch}, Adam`
  }

  root.append(
    h(
      'div',
      { class: 'bar' },
      h('div', { class: 'row' }, run, reset),
      ...Object.values(controls).map(({ element }) => element),
    ),
    h(
      'div',
      { class: 'grid speed' },
      h(
        'section',
        { class: 'card' },
        title,
        h(
          'div',
          { class: 'race' },
          ...(['wasm', 'plain'] as const).map((name) =>
            h(
              'div',
              { class: 'lane' },
              h('span', {}, rows[name].text),
              h('div', { class: 'track' }, rows[name].fill),
              rows[name].value,
            ),
          ),
        ),
        verdict,
      ),
      panel(
        'Numbers',
        h(
          'div',
          { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Numbers' },
          h(
            'table',
            {},
            h(
              'thead',
              {},
              h(
                'tr',
                {},
                h('th', { scope: 'col' }, 'trained by'),
                ...['steps/s', 'ms/step', 'best ms/step', 'GFLOP/s', `loss, step ${LOSS_STEP}`].map((text) =>
                  h('th', { scope: 'col', class: 'num' }, text),
                ),
              ),
            ),
            h(
              'tbody',
              {},
              ...(['wasm', 'plain'] as const).map((name) =>
                h('tr', {}, h('th', { scope: 'row' }, rows[name].text), ...rows[name].cells),
              ),
            ),
          ),
        ),
      ),
      panel(
        'How it is measured',
        h(
          'p',
          { class: 'note' },
          'Both train the same network from the same first weights on the same synthetic batches, in a worker, in turns of 120 ms each; the first turn warms up and is not counted. The plain version is what a careful programmer writes by hand: typed arrays, loops in memory order, four rows at a time, nothing allocated in a step. The loss after 50 steps shows that both do the same work; they round differently (32-bit lanes against JavaScript’s 64-bit sums), so it agrees to several digits, not to the last bit.',
        ),
      ),
    ),
  )

  return {
    title: 'Speed: lanegrad beside plain JavaScript',
    tries,
    show() {},
    hide() {
      if (worker) stop('Stopped: the tab was left.')
    },
    apply(query) {
      settings = readSettings(query, defaults, rules)
      for (const name of ['hidden', 'batch', 'seconds'] as const) controls[name].set(` ${settings[name]}`)
      clear()
      paintTitle()
    },
    hash() {
      paintTitle()
      return writePlace('speed', settings, defaults)
    },
    repaint() {},
  }
}
