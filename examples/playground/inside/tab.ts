// Inside: training steps of a 2-3-1 network, one row each, taken apart stage by stage, forwards and backwards.
import { inspect } from 'lanegrad/inspect'
import { Chart } from '../lib/chart.ts'
import { palette } from '../lib/colors.ts'
import { button, choice, figure, h, panel, round, textsOf } from '../lib/dom.ts'
import { anyRate, anySeed, type MakeTab, type Rule, readSettings, writePlace } from '../lib/state.ts'
import { drawDiagram } from './diagram.ts'
import { traceByHand } from './formulas.ts'
import { drawMemory, memoryTable } from './memory.ts'
import { type Check, InsideNetwork, type InsideOptions, type Row, type Weights } from './network.ts'
import { checkLines, pageOf, type Step, stages, text } from './stages.ts'

const defaults = { data: 'xor', act: 'tanh', loss: 'bce', rate: 0.5, seed: 1, step: 0, stage: 'input' }
type Settings = typeof defaults
const MOST_STEPS = 8000
const rates = [0.01, 0.1, 0.3, 0.5, 1, 2]
const rules: { readonly [K in keyof Settings]: Rule } = {
  data: { of: ['xor', 'and', 'or'] },
  act: { of: ['tanh', 'sigmoid', 'relu'] },
  loss: { of: ['mse', 'bce'] },
  rate: anyRate,
  seed: anySeed,
  step: { min: 0, max: MOST_STEPS, step: 1 },
  stage: { of: stages.map(({ id }) => id) },
}
/** False is -1, true is 1: with 0 for false, half of the gradients would be 0 and nothing to see. */
const corners = [
  [-1, 1],
  [1, 1],
  [1, -1],
  [-1, -1],
] as const
const answers: Readonly<Record<string, readonly number[]>> = {
  xor: [1, 0, 1, 0],
  and: [0, 1, 0, 0],
  or: [1, 1, 1, 0],
}
const PLAY_MS = 900

/** The guide: what to try here. */
const tries = [
  {
    text: 'Press Forward a few times: the row goes through the network from left to right, one computation at a time.',
    link: '#inside',
  },
]

export const makeTab: MakeTab = (root, onChange) => {
  let settings: Settings = { ...defaults }
  let network: InsideNetwork
  /** Weights before each step so far. */
  let history: Weights[] = []
  let losses: number[] = []
  let step: Step
  let shownStep = -1
  let checks: Check[] | null = null
  let checkedStep = -1
  let timer = 0

  const chart = new Chart(
    'Loss (mean of the four rows) by epoch',
    [{ name: 'loss', color: () => palette.ink }],
    {
      unit: 'epoch',
      text: (value) => round(value, 2),
    },
  )
  const figures = {
    epoch: figure('Epoch', 'epoch'),
    row: figure('Row', 'row'),
    loss: figure('Mean loss, last epoch', 'loss'),
  }

  const options = (): InsideOptions => ({
    act: settings.act as InsideOptions['act'],
    loss: settings.loss as InsideOptions['loss'],
    rate: settings.rate,
    seed: settings.seed,
  })
  const rowOf = (index: number): Row => ({ x: corners[index % 4], y: answers[settings.data][index % 4] })

  function build(): void {
    network?.dispose()
    network = new InsideNetwork(options())
    restart()
  }

  function restart(): void {
    history = [network.first]
    losses = []
    shownStep = -1
    checkedStep = -1
    chart.clear()
    goTo(settings.step, settings.stage)
  }

  /** Trains on to a step that hasn't been reached yet. */
  function reach(index: number): void {
    while (history.length <= index) {
      const at = history.length - 1
      const { next, loss } = network.step(history[at], rowOf(at))
      history.push(next)
      losses.push(loss)
      if (losses.length % 4 === 0) chart.add(losses.length / 4, [meanLoss(losses.length / 4 - 1)])
    }
  }
  const meanLoss = (epoch: number): number => {
    const part = losses.slice(epoch * 4, epoch * 4 + 4)
    return part.length === 4 ? part.reduce((sum, loss) => sum + loss, 0) / 4 : Number.NaN
  }

  function goTo(index: number, stage: string): void {
    settings.step = Math.max(0, Math.min(MOST_STEPS, Math.floor(index)))
    settings.stage = stage
    reach(settings.step)
    paint()
    onChange()
  }

  function move(by: number): void {
    const at = stages.findIndex(({ id }) => id === settings.stage) + by
    if (at >= stages.length) goTo(settings.step + 1, stages[0].id)
    else if (at >= 0) goTo(settings.step, stages[at].id)
    else if (settings.step > 0) goTo(settings.step - 1, stages[stages.length - 1].id)
  }

  const list = h('ol', { class: 'stages', 'aria-label': 'Stages of a step' })
  const stageButtons = stages.map(({ id, name }) => {
    const element = button(name, () => goTo(settings.step, id))
    element.dataset.stage = id
    list.append(h('li', {}, element))
    return element
  })
  const figureBox = h('div', {})
  const title = h('h3', { 'aria-live': 'polite' })
  const formula = h('p', { class: 'formula' })
  const note = h('p', { class: 'note' })
  const numbers = h('div', {
    class: 'scroll',
    tabindex: 0,
    role: 'region',
    'aria-label': 'Numbers of this stage',
  })
  const memoryBox = h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Memory map' })
  const memoryList = h('div', {})

  function paint(): void {
    if (root.hidden) return
    const id = (stages.find((stage) => stage.id === settings.stage) ?? stages[0]).id
    if (shownStep !== settings.step) {
      const weights = history[settings.step]
      const row = rowOf(settings.step)
      step = {
        weights,
        row,
        library: network.trace(weights, row),
        byHand: traceByHand(weights, row, options()),
      }
      shownStep = settings.step
    }
    for (const element of stageButtons) {
      if (element.dataset.stage === id) element.setAttribute('aria-current', 'step')
      else element.removeAttribute('aria-current')
    }
    const page = pageOf(id, step, options())
    title.textContent = page.title
    formula.textContent = page.formula
    note.textContent = page.note
    figureBox.replaceChildren(drawDiagram(id, step))
    if (id === 'check') paintCheck()
    else numbers.replaceChildren(numbersTable(page.lines))
    const epoch = Math.floor(settings.step / 4)
    figures.epoch.set(String(epoch + 1))
    figures.row.set(`${(settings.step % 4) + 1} of 4`)
    figures.loss.set(round(epoch > 0 ? meanLoss(epoch - 1) : Number.NaN))
    chart.picture.redraw()
    const inspection = inspect(network.trained, { batchSize: 1 })
    memoryBox.replaceChildren(drawMemory(inspection, id))
    if (!memoryList.firstChild) memoryList.append(memoryTable(inspection))
    back.disabled = settings.step === 0 && id === stages[0].id
  }

  function paintCheck(): void {
    if (checkedStep !== settings.step) {
      checkedStep = settings.step
      checks = null
      const asked = settings.step
      void network.check(history[asked], rowOf(asked)).then((made) => {
        if (checkedStep !== asked || asked !== settings.step) return
        checks = made
        if (settings.stage === 'check') paintCheck()
      })
    }
    if (!checks) {
      numbers.replaceChildren(h('p', { class: 'note' }, 'Asking the loss 26 times …'))
      return
    }
    const all = checks.every(({ isGood }) => isGood)
    numbers.replaceChildren(
      h(
        'p',
        { class: all ? 'good' : 'bad', 'data-figure': 'check' },
        all
          ? `All ${checks.length} gradients agree.`
          : 'Some gradients differ: at a kink of relu the quotient looks at both sides.',
      ),
      h(
        'table',
        { class: 'values' },
        head(['', 'backpropagation', 'difference quotient', 'relative error', '']),
        h(
          'tbody',
          {},
          ...checkLines(checks).map(({ name, gradient, quotient, error, isGood }) =>
            h(
              'tr',
              {},
              h('th', {}, name),
              h('td', { class: 'num mono' }, gradient),
              h('td', { class: 'num mono' }, quotient),
              h('td', { class: 'num mono' }, error),
              h('td', { class: isGood ? 'good' : 'bad' }, isGood ? '✓' : '≠'),
            ),
          ),
        ),
      ),
    )
  }

  const buttons = {
    play: button('Play', () => setPlaying(timer === 0), { class: 'main', 'data-action': 'play' }),
    next: button('Forward →', () => move(1), { 'data-action': 'forward' }),
    row: button('Next row', () => goTo(settings.step + 1, settings.stage), {
      title: 'The same stage of the next step',
    }),
    epoch: button('+10 epochs', () => goTo(settings.step + 40, settings.stage), { 'data-action': 'epochs' }),
    first: button(
      'Reset',
      () => {
        setPlaying(false)
        goTo(0, stages[0].id)
      },
      { 'data-action': 'reset' },
    ),
  }
  const back = button('← Back', () => move(-1), { 'data-action': 'back' })

  function setPlaying(on: boolean): void {
    clearInterval(timer)
    timer = on ? window.setInterval(() => move(1), PLAY_MS) : 0
    buttons.play.textContent = on ? 'Pause' : 'Play'
  }

  function change(patch: Partial<Settings>, then: () => void): void {
    Object.assign(settings, patch)
    then()
    onChange()
  }
  const controls = {
    data: choice('Data', { xor: 'xor', and: 'and', or: 'or' }, (data) => change({ data, step: 0 }, restart)),
    act: choice('Activation', { tanh: 'tanh', sigmoid: 'sigmoid', relu: 'relu' }, (act) =>
      change({ act, step: 0 }, build),
    ),
    loss: choice('Loss', { bce: 'cross-entropy', mse: 'squared error' }, (loss) =>
      change({ loss, step: 0 }, build),
    ),
    rate: choice('Learning rate η', textsOf(rates), (rate) => change({ rate: Number(rate), step: 0 }, build)),
  }

  window.addEventListener('keydown', (event) => {
    if (root.hidden || event.altKey || event.ctrlKey || event.metaKey) return
    const target = event.target instanceof HTMLElement ? event.target : null
    if (target?.closest('select, input, [role=tab]')) return
    const scrolled = target?.closest('.scroll')
    if (scrolled && scrolled.scrollWidth > scrolled.clientWidth) return
    if (event.key === 'ArrowRight') move(1)
    else if (event.key === 'ArrowLeft') move(-1)
    else return
    event.preventDefault()
  })

  root.append(
    h(
      'div',
      { class: 'bar' },
      h('div', { class: 'row' }, back, buttons.next, buttons.play, buttons.row, buttons.epoch, buttons.first),
      ...Object.values(controls).map(({ element }) => element),
    ),
    h('div', {}, list),
    h(
      'div',
      { class: 'grid inside' },
      h(
        'div',
        { class: 'net-card' },
        panel(
          'The network',
          h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'The network' }, figureBox),
          h(
            'p',
            { class: 'note' },
            'The keys ← and → go from stage to stage, back and forth over any number of steps.',
          ),
        ),
      ),
      h('div', { class: 'page' }, h('section', { class: 'card' }, title, formula, numbers, note)),
      h(
        'div',
        { class: 'progress' },
        panel(
          'Progress',
          h('div', { class: 'figures' }, ...Object.values(figures).map(({ element }) => element)),
          chart.element,
        ),
      ),
    ),
    h(
      'div',
      { class: 'stack below' },
      panel(
        'The memory of this step',
        h(
          'p',
          { class: 'note' },
          'Everything lies in one arena. From left to right: its places in order, not to scale; from top to bottom: the operations of a step, with what each computes (∂w is short for ∂L/∂w). A blue buffer stays, an orange one lives as long as it is needed and then gives its place to another, a grey one is scratch. A ring is a read, a dot a write; the rows of this stage are marked. The library has fused what it could: a sum and its activation are one operation.',
        ),
        memoryBox,
        memoryList,
      ),
    ),
  )

  return {
    title: 'Inside: one step of backpropagation, taken apart',
    tries,
    show() {
      paint()
    },
    hide() {
      setPlaying(false)
    },
    apply(query) {
      settings = readSettings(query, defaults, rules)
      controls.data.set(settings.data)
      controls.act.set(settings.act)
      controls.loss.set(settings.loss)
      controls.rate.set(` ${settings.rate}`)
      build()
    },
    hash: () => writePlace('inside', settings, defaults),
    repaint: paint,
  }
}

const head = (names: readonly string[]) =>
  h('thead', {}, h('tr', {}, ...names.map((name, i) => h('th', { class: i > 0 ? 'num' : '' }, name))))

function numbersTable(lines: ReturnType<typeof pageOf>['lines']): HTMLElement {
  return h(
    'table',
    { class: 'values' },
    head(['', 'numbers put in', 'lanegrad (32 bit)', 'by hand (64 bit)']),
    h(
      'tbody',
      {},
      ...lines.map(({ name, work, library, byHand }) =>
        h(
          'tr',
          {},
          h('th', {}, name),
          h('td', { class: 'work num mono' }, work),
          h('td', { class: 'num mono new' }, text(library, 6)),
          h('td', { class: 'num mono' }, text(byHand, 6)),
        ),
      ),
    ),
  )
}
