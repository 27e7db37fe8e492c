// Inside: training steps of a small network, one row each, taken apart stage by stage, forwards and backwards. What is set
// (settings.ts) makes a network (network.ts) and its course (course.ts); a stage is said by pages.ts, drawn by diagram.ts
// and shown in numbers by numbers.ts.
import { inspect } from 'lanegrad/inspect'
import { Chart } from '../lib/chart.ts'
import { palette } from '../lib/colors.ts'
import { button, choice, divergedNote, figure, h, panel, round, textsOf } from '../lib/dom.ts'
import { type MakeTab, readSettings, writePlace } from '../lib/state.ts'
import { Course, dataNames, MOST_STEPS, ROWS, rowOf } from './course.ts'
import { drawDiagram } from './diagram.ts'
import { traceByHand } from './formulas.ts'
import { makeStageList } from './list.ts'
import { memoryPanel } from './memory.ts'
import { type Check, InsideNetwork } from './network.ts'
import { checkNumbers, numbersTable } from './numbers.ts'
import { pageOf } from './pages.ts'
import { followed } from './paths.ts'
import { tall, wide } from './place.ts'
import { defaults, optionsOf, rates, rules, type Settings, tries } from './settings.ts'
import { weightNames } from './shape.ts'
import { type Step, stageOf, stages } from './stages.ts'

const PLAY_MS = 1200

export const makeTab: MakeTab = (root, onChange) => {
  let settings: Settings = { ...defaults }
  let network: InsideNetwork
  let course: Course
  let step: Step
  let shownStep = -1
  let checks: Check[] | null = null
  let checkedStep = -1
  let timer = 0

  const chart = new Chart(
    'Loss (mean of the four rows) by epoch',
    [{ name: 'loss', color: () => palette.ink }],
    { unit: 'epoch', text: (value) => round(value, 2) },
  )
  const figures = {
    epoch: figure('Epoch', 'epoch'),
    row: figure('Row', 'row'),
    loss: figure('Mean loss, last epoch', 'loss'),
  }
  const diverged = divergedNote()

  function build(): void {
    network?.dispose()
    network = new InsideNetwork(optionsOf(settings))
    restart()
  }

  function restart(): void {
    chart.clear()
    course = new Course(network, settings.data, (epoch, loss) => chart.add(epoch, [loss]))
    shownStep = -1
    checkedStep = -1
    goTo(settings.step, settings.stage)
  }

  function goTo(index: number, stage: string): void {
    settings.step = Math.max(0, Math.min(MOST_STEPS, Math.floor(index)))
    settings.stage = stage
    paint()
    onChange()
  }

  function move(by: number): void {
    const at = stages.indexOf(stageOf(settings.stage)) + by
    if (at >= stages.length) goTo(settings.step + 1, stages[0].id)
    else if (at >= 0) goTo(settings.step, stages[at].id)
    else if (settings.step > 0) goTo(settings.step - 1, stages[stages.length - 1].id)
  }

  const list = makeStageList((id) => goTo(settings.step, id))
  const place = h('p', { class: 'note', 'data-figure': 'stage' })
  const title = h('h3', { 'aria-live': 'polite' })
  const formula = h('p', { class: 'formula' })
  const note = h('p', {})
  const drawing = h('div', {})
  const numbers = h('div', {
    class: 'scroll',
    tabindex: 0,
    role: 'region',
    'aria-label': 'Numbers of this stage',
  })
  const memory = memoryPanel(() => paint())
  const isNarrow = matchMedia('(max-width: 720px)')
  isNarrow.addEventListener('change', () => paint())

  function paint(): void {
    if (root.hidden) return
    const stage = stageOf(settings.stage)
    const options = optionsOf(settings)
    if (shownStep !== settings.step) {
      const weights = course.weights(settings.step)
      const row = rowOf(settings.data, settings.step)
      step = {
        weights,
        row,
        library: network.trace(weights, row),
        byHand: traceByHand(weights, row, options),
      }
      shownStep = settings.step
    }
    const isDiverged = !Number.isFinite(step.library.loss)
    diverged.set(isDiverged ? settings.rate : null)
    if (isDiverged) setPlaying(false)
    list.show(stage)
    place.textContent = `Stage ${stages.indexOf(stage) + 1} of ${stages.length}`
    const weight = weightNames.indexOf(settings.weight)
    const page = pageOf(stage, step, options, weight)
    title.textContent = page.title
    formula.textContent = page.formula
    note.textContent = page.note
    drawing.replaceChildren(drawDiagram(isNarrow.matches ? tall : wide, stage, step, options, weight))
    controls.weight.element.hidden = stage.kind !== 'path'
    if (stage.kind === 'check') paintCheck()
    else numbers.replaceChildren(numbersTable(page.title, page.lines))
    const epoch = Math.floor(settings.step / ROWS)
    figures.epoch.set(String(epoch + 1))
    figures.row.set(`${(settings.step % ROWS) + 1} of ${ROWS}`)
    figures.loss.set(round(course.meanLoss(epoch)))
    chart.picture.redraw()
    if (memory.isOpen) memory.show(inspect(network.trained, { batchSize: 1 }), stage.id)
    back.disabled = settings.step === 0 && stage === stages[0]
  }

  function paintCheck(): void {
    if (checkedStep !== settings.step) {
      checkedStep = settings.step
      checks = null
      const asked = settings.step
      void network.check(course.weights(asked), rowOf(settings.data, asked)).then((made) => {
        if (checkedStep !== asked || asked !== settings.step) return
        checks = made
        if (settings.stage === 'check') paintCheck()
      })
    }
    numbers.replaceChildren(...checkNumbers(checks))
  }

  const back = button('← Back', () => move(-1), { 'data-action': 'back' })
  const next = button('Forward →', () => move(1), { class: 'main', 'data-action': 'forward' })
  const play = button('Play', () => setPlaying(timer === 0), { 'data-action': 'play' })
  const row = button('Next row', () => goTo(settings.step + 1, settings.stage), {
    title: 'The same stage of the next step',
  })
  const epochs = button('+10 epochs', () => goTo(settings.step + 10 * ROWS, settings.stage), {
    'data-action': 'epochs',
  })
  const reset = button(
    'Reset',
    () => {
      setPlaying(false)
      goTo(0, stages[0].id)
    },
    { 'data-action': 'reset' },
  )

  function setPlaying(on: boolean): void {
    clearInterval(timer)
    timer = on ? window.setInterval(() => move(1), PLAY_MS) : 0
    play.textContent = on ? 'Pause' : 'Play'
  }

  function change(patch: Partial<Settings>, then: () => void): void {
    Object.assign(settings, patch)
    then()
    onChange()
  }
  const controls = {
    data: choice('The outputs learn', dataNames, (data) => change({ data, step: 0 }, restart)),
    act: choice('Activation', { tanh: 'tanh', sigmoid: 'sigmoid', relu: 'relu' }, (act) =>
      change({ act, step: 0 }, build),
    ),
    loss: choice('Loss', { bce: 'cross-entropy', mse: 'squared error' }, (loss) =>
      change({ loss, step: 0 }, build),
    ),
    rate: choice('Learning rate η', textsOf(rates), (rate) => change({ rate: Number(rate), step: 0 }, build)),
    weight: choice(
      'The weight to follow',
      Object.fromEntries(followed.map((name) => [name, name])),
      (weight) => change({ weight }, paint),
    ),
  }
  const seed = button('New weights', () => change({ seed: 1 + (settings.seed % 999), step: 0 }, build), {
    title: 'Other first weights',
  })

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
    h('div', { class: 'bar row steps' }, back, next, play, row, epochs, reset, place),
    diverged.element,
    list.element,
    h(
      'div',
      { class: 'grid inside' },
      h('section', { class: 'card text' }, title, formula, note, controls.weight.element),
      h('div', { class: 'net-card' }, panel('The network', drawing, legend())),
      h('div', { class: 'numbers' }, panel('The numbers', numbers)),
      h(
        'div',
        { class: 'setup' },
        panel(
          'Set-up',
          h(
            'div',
            { class: 'bar' },
            ...[controls.data, controls.act, controls.loss, controls.rate].map(({ element }) => element),
            seed,
          ),
        ),
      ),
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
    memory.element,
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
      for (const name of ['data', 'act', 'loss', 'weight'] as const) controls[name].set(settings[name])
      controls.rate.set(` ${settings.rate}`)
      build()
    },
    hash: () => writePlace('inside', settings, defaults),
    repaint: paint,
  }
}

const legend = (): HTMLElement =>
  h(
    'ul',
    { class: 'legend', 'aria-label': 'Legend' },
    h('li', {}, h('i', { class: 'i-blue' }), 'weight above 0'),
    h('li', {}, h('i', { class: 'i-orange' }), 'below 0; the wider, the larger'),
    h('li', {}, h('b', { class: 'arrow ahead' }, '→'), 'numbers forward'),
    h('li', {}, h('b', { class: 'arrow back' }, '→'), 'gradients back; ∂z is short for ∂L/∂z'),
    h('li', {}, h('i', { class: 'ring' }), 'computed at this stage'),
  )
