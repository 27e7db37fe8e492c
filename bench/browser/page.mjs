// The page: which nets, Run, and for each net a chart that is a table as well. Times are medians of turns.
import { nets } from '../nets.mjs'
import { median, short } from '../report.mjs'
import { race } from './race.mjs'

/** @typedef {import('./race.mjs').State} State */

/** Kinds of nets that are shown: those that plain JS or a backend of TensorFlow.js trains. */
const KINDS = ['dense', 'conv']
// @ts-expect-error: true or false stands here when it is bundled
const hasTfjs = /** @type {boolean} */ (HAS_TFJS)
const cores = Math.min(navigator.hardwareConcurrency || 1, 8)

/** @type {(import('./race.mjs').Runner & { label: string, ours: boolean })[]} */
const RUNNERS = [
  { name: 'lanegrad', label: 'lanegrad', subject: 'lanegrad', ours: true },
  {
    name: 'relaxed',
    label: 'lanegrad, relaxed',
    subject: 'lanegrad',
    runtime: { isRelaxed: true },
    ours: true,
  },
  {
    name: 'threads',
    label: `lanegrad, ${cores} threads`,
    subject: 'lanegrad',
    runtime: { threads: cores },
    ours: true,
  },
  { name: 'plain-js', label: 'plain JS', subject: 'plain-js', ours: false },
  { name: 'tfjs-wasm', label: 'TensorFlow.js wasm', subject: 'tfjs-wasm', ours: false },
  { name: 'tfjs-cpu', label: 'TensorFlow.js cpu', subject: 'tfjs-cpu', ours: false },
]
const runners = RUNNERS.filter(
  ({ name }) =>
    (hasTfjs || !name.startsWith('tfjs')) && (name !== 'threads' || (crossOriginIsolated && cores > 1)),
)

/** @param {string} tag @param {Record<string, string>} attributes @param {(Node | string)[]} children */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

/** @param {number} ms */
const duration = (ms) => (ms < 0.1 ? `${short(ms * 1000)} µs` : `${short(ms)} ms`)
/** @param {number} ratio */
const times = (ratio) => `${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(ratio < 0.995 ? 2 : 1)}×`

/** A net's card and what shows states in it. @param {string} name @param {string} title */
function makeCard(name, title) {
  const rows = runners.map(({ label, ours, name: runner }) => {
    const bar = h('i', {})
    const cells = ['time', 'ratio', 'best', 'steps'].map((kind) =>
      h('td', { class: kind, 'data-figure': kind }, '–'),
    )
    const row = h(
      'tr',
      { class: ours ? 'ours' : 'peer', 'data-runner': runner },
      h('th', { scope: 'row' }, label),
      h('td', { class: 'track', 'aria-hidden': 'true' }, h('div', {}, bar)),
      ...cells,
    )
    return { row, bar, cells }
  })
  const heads = ['', '', 'median', '× lanegrad', 'best', 'steps']
  const status = h('p', { class: 'fine', role: 'status' }, '')
  const card = h(
    'section',
    { class: 'card', 'data-net': name },
    h('h2', {}, title),
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ...heads.map((text, i) =>
            h('th', { scope: 'col', class: ['', 'track', 'time', 'ratio', 'best', 'steps'][i] }, text),
          ),
        ),
      ),
      h('tbody', {}, ...rows.map(({ row }) => row)),
    ),
    status,
  )

  /** @param {State[]} states */
  function show(states) {
    const middles = states.map(({ samples }) => (samples.length ? median(samples) : null))
    const [ours] = middles
    const ratios = middles.map((middle) => (middle && ours ? middle / ours : null))
    const known = ratios.filter((ratio) => ratio !== null)
    // a log scale of ratios, with a line at 1
    const low = Math.log(Math.min(0.8, ...known.map((ratio) => ratio * 0.9)))
    const high = Math.log(Math.max(10, ...known))
    const at = (/** @type {number} */ ratio) => (100 * (Math.log(ratio) - low)) / (high - low)
    card.style.setProperty('--one', `${at(1)}%`)
    for (const [i, { row, bar, cells }] of rows.entries()) {
      const { samples, steps, at: stage, text } = states[i]
      row.dataset.stage = stage
      const ratio = ratios[i]
      bar.hidden = ratio === null
      if (ratio !== null) {
        bar.className = ratio < 1 ? 'less' : ''
        bar.style.left = `${at(Math.min(ratio, 1))}%`
        bar.style.width = `${Math.abs(at(ratio) - at(1))}%`
      }
      const middle = middles[i]
      const waiting = stage === 'loading' ? '…' : stage === 'waiting' || stage === 'running' ? '–' : stage
      const texts = middle
        ? [
            duration(middle),
            ratio === null ? '' : times(ratio),
            duration(Math.min(...samples)),
            String(steps),
          ]
        : [waiting, '', '', '']
      for (const [j, cell] of cells.entries()) cell.textContent = texts[j]
      row.title = text ?? ''
    }
    status.textContent = states
      .flatMap(({ text, at: stage }, i) =>
        text ? `${RUNNERS.find(({ name }) => name === runners[i].name)?.label}: ${stage}: ${text}.` : [],
      )
      .join(' ')
  }
  return { card, show }
}

const shown = nets()
  .map(({ make }) => make({ batchCount: 1 }))
  .filter(({ kind }) => KINDS.includes(kind))
  .map(({ name, batchSize, optimizer }) => {
    const title = `${name}, batch ${batchSize}, ${optimizer === 'adam' ? 'Adam' : 'SGD'}`
    const box = /** @type {HTMLInputElement} */ (h('input', { type: 'checkbox', checked: '', name }))
    return { name, ...makeCard(name, title), box }
  })

const run = h('button', { type: 'button', id: 'run' }, 'Run')
const state = h('p', { id: 'state', role: 'status' }, 'Press Run: ten seconds to a minute for a net.')
/** @type {AbortController | null} */
let current = null

run.addEventListener('click', async () => {
  if (current) {
    current.abort()
    return
  }
  const control = new AbortController()
  current = control
  run.textContent = 'Stop'
  for (const { box, card } of shown) card.hidden = !box.checked
  for (const { name, box, show } of shown) {
    if (!box.checked || control.signal.aborted) continue
    state.textContent = `Training ${name} …`
    await race(name, runners, show, control.signal)
  }
  state.textContent = control.signal.aborted ? 'Stopped.' : 'Done: medians of turns on this device.'
  run.textContent = 'Run'
  current = null
})

const facts = [
  `${navigator.hardwareConcurrency || '?'} threads`,
  crossOriginIsolated ? 'memory can be shared' : 'no shared memory: the page is not cross-origin isolated',
  ...(hasTfjs ? [] : ['TensorFlow.js is not installed: npm --prefix bench ci']),
]
document
  .getElementById('app')
  ?.append(
    h('div', { class: 'bar' }, run, ...shown.map(({ name, box }) => h('label', {}, box, name))),
    state,
    ...shown.map(({ card }) => card),
    h('p', { class: 'fine' }, `${navigator.userAgent}; ${facts.join('; ')}`),
  )
for (const { show } of shown) show(runners.map(() => ({ at: 'waiting', samples: [], steps: 0 })))
