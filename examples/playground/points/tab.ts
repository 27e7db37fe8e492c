// Points: a network of the visitor's making learns to tell two classes of points apart, before the eyes.
import type { Activation } from 'lanegrad'
import { Chart } from '../lib/chart.ts'
import { palette } from '../lib/colors.ts'
import { button, checkbox, choice, figure, grouped, h, panel, percent, round, slider } from '../lib/dom.ts'
import { Loop } from '../lib/loop.ts'
import { anyRate, anySeed, type MakeTab, type Rule, readSettings, writePlace } from '../lib/state.ts'
import {
  decodePoints,
  encodePoints,
  MOST_POINTS,
  makePoints,
  type Point,
  type Rows,
  rowsOf,
  type SetName,
  setNames,
  split,
} from './data.ts'
import { Diagram, type Neuron } from './diagram.ts'
import { EXTENT, gridRows } from './grid.ts'
import { Network, type NetworkOptions, type Score } from './network.ts'
import { Surface, traceMark } from './surface.ts'

const defaults = {
  data: 'circles',
  noise: 5,
  train: 60,
  batch: 16,
  layers: '4-3',
  act: 'tanh',
  opt: 'adam',
  rate: 0.03,
  reg: 'none',
  strength: 0.003,
  speed: 'normal',
  seed: 1,
  test: 0,
  points: '',
}
type Settings = typeof defaults

const MOST_LAYERS = 6
const MOST_UNITS = 8
const activations = ['tanh', 'relu', 'sigmoid', 'linear', 'gelu', 'silu', 'elu', 'softplus']
const chosen = ['adam', 'sgd', 'rmsprop', 'adagrad', 'adamw', 'nadam', 'lion']
const rates = [0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3]
const strengths = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1]
const sizes = [1, 4, 8, 16, 32, 64, 128]
/** Epochs a second; full: as many as fit in a frame's budget. */
const speeds: Readonly<Record<string, string>> = { slow: 'Slow', normal: 'Normal', full: 'Full' }

const noises = { min: 0, max: 50, step: 5 }
const shares = { min: 10, max: 90, step: 10 }
const rules: { readonly [K in keyof Settings]: Rule } = {
  data: { of: Object.keys(setNames) },
  noise: noises,
  train: shares,
  batch: { of: sizes },
  layers: { matches: /^$|^[1-8](-[1-8]){0,5}$/ },
  act: { of: activations },
  opt: { of: chosen },
  rate: anyRate,
  reg: { of: ['none', 'l1', 'l2'] },
  strength: { min: 1e-6, max: 1 },
  speed: { of: Object.keys(speeds) },
  seed: anySeed,
  test: { of: [0, 1] },
  points: { matches: /^[0-9a-z]*$/ },
}

const textsOf = (values: readonly (string | number)[]) =>
  Object.fromEntries(values.map((value) => [` ${value}`, String(value)]))

export const makeTab: MakeTab = (root, onChange) => {
  let settings: Settings = { ...defaults }
  let points: Point[] = []
  let train: Point[] = []
  let test: Point[] = []
  let trainRows: Rows = rowsOf([])
  let testRows: Rows = rowsOf([])
  let network: Network
  let picked: Neuron | null = null
  let onTrain: Score = { loss: Number.NaN, accuracy: Number.NaN }
  let onTest = onTrain
  let brush: 0 | 1 = 1
  let due = 0
  let before = 0
  let painted = 0
  let charted = 0
  let isStale = true
  let wasPlaying = false
  const grid = gridRows()
  const ownNote = h('p', { class: 'note', role: 'status' })
  /** Beside the square; what is there already isn't read out again. */
  const note = (text: string) => {
    if (ownNote.textContent !== text) ownNote.textContent = text
  }

  const surface = new Surface((x, y) => {
    if (settings.data !== 'own' || points.length >= MOST_POINTS) return
    points.push({ x, y, label: brush })
    settings.points = encodePoints(points)
    useSplit()
    onChange()
  })
  const diagram = new Diagram((neuron) => {
    picked = neuron
    isStale = true
    if (!loop.isRunning) paint()
  })
  const chart = new Chart(
    'Loss (mean cross-entropy of a point) by epoch',
    [
      { name: 'training', color: () => palette.ink },
      { name: 'test', color: () => palette.accent },
    ],
    {
      unit: 'epoch',
      text: (value) => (value >= 0.1 || value === 0 ? round(value, 2) : value.toPrecision(1)),
    },
  )
  const figures = {
    epoch: figure('Epoch', 'epoch'),
    trainLoss: figure('Training loss', 'train-loss'),
    testLoss: figure('Test loss', 'test-loss'),
    accuracy: figure('Test accuracy', 'test-accuracy'),
    frames: figure('Frames/s', 'frames'),
  }

  const unitsOf = () => (settings.layers === '' ? [] : settings.layers.split('-').map(Number))
  const options = (): NetworkOptions => ({
    units: unitsOf(),
    activation: settings.act as Activation,
    optimizer: settings.opt as NetworkOptions['optimizer'],
    learningRate: settings.rate,
    regularization: settings.reg as NetworkOptions['regularization'],
    rate: settings.strength,
    seed: settings.seed,
  })

  /** A network from its first weights on; with `keep` its weights and its epochs stay. */
  function build(keep = false): void {
    const old = network
    network = new Network(options(), keep && old ? old.weights() : null)
    if (keep && old) {
      network.epoch = old.epoch
      network.steps = old.steps
    } else chart.clear()
    old?.dispose()
    diagram.columns = [2, ...unitsOf(), 1]
    showLayers()
    if (!keep) record()
    refresh()
  }

  function usePoints(): void {
    const isOwn = settings.data === 'own'
    points = isOwn
      ? decodePoints(settings.points)
      : makePoints(settings.data as SetName, settings.noise, settings.seed)
    if (isOwn) settings.points = encodePoints(points)
    useSplit()
  }

  function useSplit(): void {
    ;[train, test] = split(points, settings.train / 100)
    trainRows = rowsOf(train)
    testRows = rowsOf(test)
    surface.train = train
    surface.test = test
    surface.picture.redraw()
    network?.forget()
    if (train.length === 0) setPlaying(false)
    note(
      points.length < MOST_POINTS
        ? 'Click or drag on the square; with the keyboard: arrows, then Enter. Hollow points are kept for testing.'
        : `${MOST_POINTS} points: more don’t fit in a link.`,
    )
    refresh()
  }

  /** Whether there is anything to learn; otherwise that is said. */
  function hasPoints(): boolean {
    if (train.length > 0) return true
    note('Draw some points first.')
    surface.element.scrollIntoView({ block: 'nearest' })
    return false
  }

  /** How training and test points are answered now: computed once, shown and charted. */
  function measure(): void {
    onTrain = network.score(trainRows)
    onTest = network.score(testRows)
  }

  function record(): void {
    measure()
    chart.add(network.epoch, [onTrain.loss, onTest.loss])
  }

  function epoch(): void {
    network.trainEpoch(train, settings.batch)
    isStale = true
  }

  const loop = new Loop((hasTime, now) => {
    const elapsed = Math.min(100, now - before)
    before = now
    if (settings.speed === 'full') due = 1e9
    else due += elapsed * (settings.speed === 'slow' ? 0.006 : 0.06)
    let did = false
    while (due >= 1 && hasTime()) {
      epoch()
      due--
      did = true
    }
    due = Math.min(due, 2)
    if (did) {
      record()
      // a slow device shows fewer pictures, so that it stays quick to the touch
      if (now - painted > (loop.rate < 54 ? 60 : 25)) {
        painted = now
        paint()
      }
    }
    figures.frames.set(loop.rate ? loop.rate.toFixed(0) : '–')
  })

  function refresh(): void {
    isStale = true
    if (network) measure()
    if (!loop.isRunning && network) paint()
  }

  /** Everything that shows what the network knows. */
  function paint(): void {
    if (!isStale || root.hidden) return
    isStale = false
    const weights = network.weights()
    const layers = network.responses(weights)
    const last = layers.length - 1
    // hidden answers are shown up to 1, the output as tanh(z / 2) = 2 sigmoid(z) - 1
    const output = { ...layers[last], data: layers[last].data.map((z) => Math.tanh(z / 2)) }
    const answers = [grid, ...layers.slice(0, last), output]
    const scales = answers.map((_, i) => (i === 0 ? 1 / EXTENT : 1))
    diagram.show(
      network.layerNames.map((name) => weights[`${name}/kernel`]),
      answers,
      scales,
    )
    const at =
      picked && answers[picked.layer + 1] && picked.unit < answers[picked.layer + 1].shape[1] ? picked : null
    const shown = at ? at.layer + 1 : last + 1
    surface.heat.set(answers[shown].data, at?.unit ?? 0, answers[shown].shape[1], scales[shown])
    const now = performance.now()
    if (!loop.isRunning || now - charted > 120) {
      charted = now
      chart.picture.redraw()
    }
    figures.epoch.set(grouped(network.epoch))
    figures.trainLoss.set(round(onTrain.loss))
    figures.testLoss.set(round(onTest.loss))
    figures.accuracy.set(percent(onTest.accuracy))
    surface.picture.label = `What ${at ? 'this neuron' : 'the network'} answers over the square, with ${points.length} points; test accuracy ${percent(onTest.accuracy)}`
  }

  // Controls. `change` takes a setting over and does what it calls for.
  function change(patch: Partial<Settings>, then: () => void): void {
    Object.assign(settings, patch)
    then()
    onChange()
  }
  const rebuild = () => build()
  const nothing = () => {}

  const play = button('Play', () => setPlaying(!loop.isRunning), { class: 'main', 'data-action': 'play' })
  function setPlaying(on: boolean): void {
    if (on && hasPoints()) {
      before = performance.now()
      due = 1
      loop.start()
    } else if (loop.isRunning) {
      loop.stop()
      // the last frame may not have been painted, its chart even less
      isStale = true
      paint()
    }
    play.textContent = loop.isRunning ? 'Pause' : 'Play'
  }
  const step = button(
    'One epoch',
    () => {
      setPlaying(false)
      if (!hasPoints()) return
      epoch()
      record()
      paint()
    },
    { 'data-action': 'step' },
  )
  const reset = button('Reset', rebuild, { 'data-action': 'reset' })
  const reseed = button(
    'New seed',
    () =>
      change({ seed: 1 + (settings.seed % 999) }, () => {
        usePoints()
        build()
      }),
    { title: 'Other first weights, other points', class: 'quiet' },
  )

  const controls = {
    speed: choice('Speed', speeds, (speed) => change({ speed }, nothing)),
    rate: choice('Learning rate', textsOf(rates), (text) =>
      change({ rate: Number(text) }, () => {
        network.learningRate = settings.rate
      }),
    ),
    act: choice('Activation', Object.fromEntries(activations.map((name) => [name, name])), (act) =>
      change({ act }, rebuild),
    ),
    opt: choice('Optimizer', Object.fromEntries(chosen.map((name) => [name, name])), (opt) =>
      change({ opt }, () => network.compile(options())),
    ),
    reg: choice('Regularization', { none: 'none', l1: 'L1', l2: 'L2' }, (reg) =>
      change({ reg }, () => {
        syncStrength()
        build(true)
      }),
    ),
    strength: choice('Strength', textsOf(strengths), (text) =>
      change({ strength: Number(text) }, () => build(true)),
    ),
    batch: choice('Batch size', textsOf(sizes), (text) => change({ batch: Number(text) }, nothing)),
    noise: slider('Noise', { ...noises, text: (value) => `${value} %` }, (noise) =>
      change({ noise }, usePoints),
    ),
    train: slider('Used for training', { ...shares, text: (value) => `${value} %` }, (train) =>
      change({ train }, useSplit),
    ),
    test: checkbox('Show test points', (on) =>
      change({ test: on ? 1 : 0 }, () => {
        surface.showTest = on
        surface.picture.redraw()
      }),
    ),
  }
  const syncStrength = () => {
    const list = controls.strength.element.querySelector('select')
    if (list) list.disabled = settings.reg === 'none'
  }

  const thumbnails: { name: SetName; canvas: HTMLCanvasElement }[] = []
  const setButtons = Object.entries(setNames).map(([name, text]) => {
    const element = button('', () =>
      change({ data: name }, () => {
        usePoints()
        build()
        showData()
        if (name === 'own') surface.element.scrollIntoView({ block: 'nearest' })
      }),
    )
    element.dataset.set = name
    const canvas = h('canvas', { width: THUMBNAIL, height: THUMBNAIL, 'aria-hidden': 'true' })
    thumbnails.push({ name: name as SetName, canvas })
    drawThumbnail(canvas, name as SetName)
    element.append(canvas, text)
    return element
  })
  const brushes = ([1, 0] as const).map((label) =>
    button(
      label ? 'Blue' : 'Orange',
      () => {
        brush = label
        showData()
      },
      { class: `swatch ${label ? 'blue' : 'orange'}` },
    ),
  )
  const ownTools = h(
    'div',
    { class: 'row', hidden: true },
    ...brushes,
    button('Clear', () => change({ points: '' }, usePoints)),
    ownNote,
  )

  function showData(): void {
    for (const element of setButtons)
      element.setAttribute('aria-pressed', String(element.dataset.set === settings.data))
    brushes[0].setAttribute('aria-pressed', String(brush === 1))
    brushes[1].setAttribute('aria-pressed', String(brush === 0))
    const isOwn = settings.data === 'own'
    ownTools.hidden = !isOwn
    surface.drawing = isOwn
    const noise = controls.noise.element.querySelector('input')
    if (noise) noise.disabled = isOwn
    const showsTest = controls.test.element.querySelector('input')
    if (showsTest) showsTest.disabled = isOwn
    controls.test.set(isOwn || settings.test === 1)
  }

  const layerChips = h('div', { class: 'layers' })
  const setLayers = (units: readonly number[]) => change({ layers: units.join('-') }, rebuild)
  function showLayers(): void {
    const units = unitsOf()
    const focused = document.activeElement?.getAttribute('aria-label')
    const chips = units.map((count, i) => {
      const name = `layer ${i + 1}`
      const less = button('−', () => setLayers(units.with(i, count - 1)), {
        'aria-label': `One neuron less in ${name}`,
        disabled: count <= 1,
      })
      const more = button('+', () => setLayers(units.with(i, count + 1)), {
        'aria-label': `One neuron more in ${name}`,
        disabled: count >= MOST_UNITS,
      })
      const gone = button('×', () => setLayers(units.toSpliced(i, 1)), {
        'aria-label': `Remove ${name}`,
        class: 'quiet',
      })
      return h(
        'div',
        { class: 'chip', role: 'group', 'aria-label': name },
        less,
        h('span', {}, String(count)),
        more,
        gone,
      )
    })
    const add = button('Add layer', () => setLayers([...units, units.at(-1) ?? 4]), {
      disabled: units.length >= MOST_LAYERS,
      'data-action': 'add-layer',
    })
    layerChips.replaceChildren(...chips, add)
    // the buttons are new: the one that was pressed keeps the focus
    if (focused) layerChips.querySelector<HTMLElement>(`[aria-label="${focused}"]`)?.focus()
  }

  root.append(
    h(
      'div',
      { class: 'bar' },
      h('div', { class: 'row' }, play, step, reset, reseed),
      ...(['speed', 'rate', 'act', 'opt', 'batch', 'reg', 'strength'] as const).map(
        (name) => controls[name].element,
      ),
    ),
    h(
      'div',
      { class: 'grid points' },
      h(
        'div',
        { class: 'data' },
        panel(
          'Data',
          h(
            'div',
            { class: 'stack' },
            h('div', { class: 'sets' }, ...setButtons),
            controls.noise.element,
            controls.train.element,
          ),
        ),
      ),
      h(
        'div',
        { class: 'net-card' },
        panel(
          'Network',
          layerChips,
          diagram.element,
          h(
            'p',
            { class: 'note' },
            'Each square is what a neuron answers over the plane; each line is a weight, as wide as it is large. Point at a neuron to see it large.',
          ),
        ),
      ),
      h(
        'div',
        { class: 'answer' },
        panel(
          'Answer',
          h(
            'div',
            { class: 'stack' },
            surface.element,
            ownTools,
            h(
              'div',
              { class: 'row' },
              controls.test.element,
              h(
                'span',
                { class: 'legend' },
                h('span', {}, h('i', { class: 'dot i-blue' }), 'blue'),
                h('span', {}, h('i', { class: 'dot square i-orange' }), 'orange'),
                h('span', {}, h('i', { class: 'dot hollow' }), 'test'),
              ),
            ),
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
          h(
            'div',
            { class: 'legend' },
            h('span', {}, h('i', { class: 'i-ink' }), 'training loss'),
            h('span', {}, h('i', { class: 'i-accent' }), 'test loss'),
          ),
        ),
      ),
    ),
  )

  return {
    show() {
      isStale = true
      paint()
      if (wasPlaying) setPlaying(true)
    },
    hide() {
      wasPlaying = loop.isRunning
      setPlaying(false)
    },
    apply(query) {
      settings = readSettings(query, defaults, rules)
      for (const name of ['rate', 'batch', 'strength'] as const) controls[name].set(` ${settings[name]}`)
      for (const name of ['speed', 'act', 'opt', 'reg'] as const) controls[name].set(settings[name])
      controls.noise.set(settings.noise)
      controls.train.set(settings.train)
      surface.showTest = settings.test === 1
      syncStrength()
      usePoints()
      build()
      showData()
    },
    hash: () => writePlace('points', settings, defaults),
    repaint() {
      for (const { name, canvas } of thumbnails) drawThumbnail(canvas, name)
      isStale = true
      surface.picture.redraw()
      paint()
    },
  }
}

const THUMBNAIL = 92

/** A set of points in small. */
function drawThumbnail(canvas: HTMLCanvasElement, name: SetName): void {
  const context = canvas.getContext('2d') as CanvasRenderingContext2D
  context.clearRect(0, 0, THUMBNAIL, THUMBNAIL)
  const place = (value: number) => ((value + EXTENT) / (2 * EXTENT)) * THUMBNAIL
  for (const { x, y, label } of makePoints(name, 0, 1)) {
    context.fillStyle = label ? palette.blue : palette.orange
    context.beginPath()
    traceMark(context, label, place(x), place(-y), 3)
    context.fill()
  }
  if (name !== 'own') return
  context.font = '56px system-ui'
  context.fillStyle = palette.muted
  context.textAlign = 'center'
  context.fillText('✎', THUMBNAIL / 2, THUMBNAIL * 0.7)
}
