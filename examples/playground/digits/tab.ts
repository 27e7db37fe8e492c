// Digits: MNIST learned in the page while it is watched, and asked about what the visitor draws.
import type { Activation } from 'lanegrad'
import { Chart } from '../lib/chart.ts'
import { HeatImage, palette } from '../lib/colors.ts'
import { button, choice, figure, grouped, h, Picture, panel, percent, round } from '../lib/dom.ts'
import { Loop } from '../lib/loop.ts'
import { anyRate, anySeed, type MakeTab, type Rule, readSettings, writePlace } from '../lib/state.ts'
import { type Digits, loadDigits, PIXELS, SIDE } from './data.ts'
import { type Answer, largest, Network, type NetworkOptions } from './network.ts'
import { greyImage, Pad } from './pad.ts'

const defaults = { hidden: '64', act: 'relu', opt: 'adam', rate: 0.001, batch: 64, seed: 1 }
type Settings = typeof defaults

const shapes: Readonly<Record<string, string>> = {
  ' 16': '16',
  ' 32': '32',
  ' 64': '64',
  ' 128': '128',
  '64-32': '64, 32',
  '128-64': '128, 64',
  '64-32-16': '64, 32, 16',
}
const activations = ['relu', 'tanh', 'sigmoid', 'gelu', 'silu', 'elu']
const chosen = ['adam', 'sgd', 'rmsprop', 'adagrad', 'adamw', 'nadam', 'lion']
const rates = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3]
const sizes = [16, 32, 64, 128, 256]
/** Units of a layer in a link: 1 to 256. */
const unit = '(?:[1-9]\\d?|1\\d\\d|2[0-4]\\d|25[0-6])'
const rules: { readonly [K in keyof Settings]: Rule } = {
  hidden: { matches: new RegExp(`^${unit}(-${unit}){0,3}$`) },
  act: { of: activations },
  opt: { of: chosen },
  rate: anyRate,
  batch: { of: sizes },
  seed: anySeed,
}
const TILES = 32
const textsOf = (values: readonly (string | number)[]) =>
  Object.fromEntries(values.map((value) => [` ${value}`, String(value)]))

export const makeTab: MakeTab = (root, onChange) => {
  let settings: Settings = { ...defaults }
  let digits: Digits | null = null
  let network: Network | null = null
  let answer: Answer | null = null
  let smoothLoss = Number.NaN
  let smoothAccuracy = Number.NaN
  let testAccuracy = Number.NaN
  let rateSamples: [ms: number, samples: number][] = []
  let frames = 0
  let lastPaint = 0
  let lastRecord = 0
  let wasPlaying = false

  const lossChart = new Chart(
    'Loss (mean cross-entropy of a digit) by samples seen',
    [{ name: 'loss', color: () => palette.ink }],
    { unit: 'sample', text: (value) => round(value, 2) },
  )
  const accuracyChart = new Chart(
    'Accuracy by samples seen',
    [
      { name: 'training', color: () => palette.ink },
      { name: 'test', color: () => palette.accent },
    ],
    { unit: 'sample', top: 1, text: (value) => `${Math.round(value * 100)} %` },
  )
  const figures = {
    epoch: figure('Epoch', 'epoch'),
    loss: figure('Loss', 'loss'),
    train: figure('Training accuracy', 'train-accuracy'),
    test: figure('Test accuracy', 'test-accuracy'),
    rate: figure('Samples/s', 'samples'),
    frames: figure('Frames/s', 'frames'),
  }

  const pad = new Pad(() => ask())
  const bars = Array.from({ length: 10 }, (_, digit) => {
    const fill = h('i', {})
    const text = h('span', { class: 'num' }, '–')
    const name = h('span', {}, String(digit))
    return { fill, text, name }
  })
  const verdict = h('p', { 'data-figure': 'verdict' })
  const trust = h('p', { class: 'note' })
  const activity = new Picture('Activations of the hidden layers', 'activations', (picture) => {
    const { context, width, height } = picture
    const layers = answer?.hidden ?? []
    const each = height / Math.max(1, layers.length)
    layers.forEach((values, row) => {
      const most = values.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-6)
      const heat = new HeatImage(values.length, 1)
      heat.set(values, 0, 1, 1 / most)
      context.imageSmoothingEnabled = false
      context.drawImage(heat.canvas, 0, row * each, width, each - 3)
    })
    if (layers.length === 0) {
      context.fillStyle = palette.muted
      context.font = '13px system-ui, sans-serif'
      context.fillText('nothing to see before a digit is drawn', 0, 20)
    }
  })
  let tileHeats: HeatImage[] = []
  const tiles = new Picture('Weights of the first layer, one image a neuron', 'tiles', (picture) => {
    const { context, width } = picture
    const columns = 8
    const gap = 4
    const size = (width - gap * (columns - 1)) / columns
    context.imageSmoothingEnabled = false
    tileHeats.forEach((heat, i) => {
      const [x, y] = [(i % columns) * (size + gap), Math.floor(i / columns) * (size + gap)]
      context.drawImage(heat.canvas, x, y, size, size)
    })
  })

  function build(): void {
    if (!digits) return
    testing.stop()
    network?.dispose()
    const options: NetworkOptions = {
      units: settings.hidden.split('-').map(Number),
      activation: settings.act as Activation,
      optimizer: settings.opt as NetworkOptions['optimizer'],
      learningRate: settings.rate,
      seed: settings.seed,
    }
    network = new Network(digits, options)
    lossChart.clear()
    accuracyChart.clear()
    smoothLoss = Number.NaN
    smoothAccuracy = Number.NaN
    testAccuracy = Number.NaN
    rateSamples = []
    lastRecord = 0
    const count = Math.min(TILES, options.units[0])
    tileHeats = Array.from({ length: count }, () => new HeatImage(SIDE, SIDE))
    tiles.canvas.style.aspectRatio = `8 / ${Math.ceil(count / 8)}`
    ask()
    paint()
  }

  function ask(): void {
    const image = network && pad.digit()
    answer = image && network ? network.ask(image) : null
    const best = answer ? largest(answer.probabilities) : -1
    bars.forEach(({ fill, text, name }, digit) => {
      const share = answer?.probabilities[digit]
      fill.style.transform = `scaleX(${share ?? 0})`
      text.textContent = share === undefined ? '–' : percent(share)
      name.classList.toggle('best', digit === best)
      text.classList.toggle('best', digit === best)
    })
    verdict.textContent = answer
      ? `It takes this for a ${best} (${percent(answer.probabilities[best])}).`
      : 'Draw a digit, or pick one below.'
    activity.redraw()
  }

  function step(): void {
    if (!network) return
    const { loss, accuracy } = network.step(settings.batch)
    const share = Math.min(1, settings.batch / 2000)
    smoothLoss = Number.isFinite(smoothLoss) ? smoothLoss + share * (loss - smoothLoss) : loss
    smoothAccuracy = Number.isFinite(smoothAccuracy)
      ? smoothAccuracy + share * (accuracy - smoothAccuracy)
      : accuracy
  }

  /** Tests the weights as they are now, a piece a frame. */
  const testing = new Loop(() => {
    const share = network?.testPiece() ?? null
    if (share === null) return
    testing.stop()
    testAccuracy = share
    record()
    paint()
  })
  function testNow(): void {
    network?.beginTest()
    testing.start()
  }

  function record(): void {
    if (!network) return
    lastRecord = network.samples
    lossChart.add(network.samples, [smoothLoss])
    accuracyChart.add(network.samples, [smoothAccuracy, testAccuracy])
  }

  const loop = new Loop((hasTime, now) => {
    if (!network) return
    // one frame in four goes on testing, the others train
    if (frames++ % 4 === 3) testAccuracy = network.testPiece() ?? testAccuracy
    else
      do step()
      while (hasTime())
    rateSamples.push([now, network.samples])
    while (now - rateSamples[0][0] > 2000) rateSamples.shift()
    if (network.samples - lastRecord >= 500) record()
    if (now - lastPaint > 150) {
      lastPaint = now
      paint()
    }
  })

  function paint(): void {
    if (!network || root.hidden) return
    figures.epoch.set(network.epochs.toFixed(2))
    figures.loss.set(round(smoothLoss))
    figures.train.set(percent(smoothAccuracy))
    figures.test.set(percent(testAccuracy))
    const [first, last] = [rateSamples[0], rateSamples.at(-1)]
    const ms = first && last ? last[0] - first[0] : 0
    if (network.samples === 0) figures.rate.set('–')
    else if (last && ms > 200) figures.rate.set(grouped(((last[1] - first[1]) * 1000) / ms))
    if (loop.isRunning && loop.rate) figures.frames.set(loop.rate.toFixed(0))
    lossChart.picture.redraw()
    accuracyChart.picture.redraw()
    const { data, units } = network.firstKernel()
    tileHeats.forEach((heat, unit) => {
      let most = 1e-6
      for (let i = 0, at = unit; i < PIXELS; i++, at += units) most = Math.max(most, Math.abs(data[at]))
      heat.set(data, unit, units, 1 / most)
    })
    tiles.redraw()
    trust.textContent = Number.isFinite(testAccuracy)
      ? `It is right on ${percent(testAccuracy)} of the test digits.`
      : 'Not tested yet: train it first.'
    if (answer) ask()
  }

  const play = button('Train', () => setPlaying(!loop.isRunning), {
    class: 'main',
    'data-action': 'play',
    disabled: true,
  })
  function setPlaying(on: boolean): void {
    const was = loop.isRunning
    testing.stop()
    if (on && network) loop.start()
    else loop.stop()
    play.textContent = loop.isRunning ? 'Pause' : 'Train'
    if (!loop.isRunning) {
      rateSamples = []
      paint()
    }
    if (was && !on) testNow()
  }
  const one = button(
    'One batch',
    () => {
      setPlaying(false)
      step()
      testNow()
      paint()
    },
    { disabled: true, 'data-action': 'step' },
  )
  const reset = button('Reset', build, { disabled: true, 'data-action': 'reset' })

  function change(patch: Partial<Settings>, then: () => void): void {
    Object.assign(settings, patch)
    then()
    onChange()
  }
  const controls = {
    hidden: choice('Hidden layers', shapes, (text) => change({ hidden: text.trim() }, build)),
    act: choice('Activation', Object.fromEntries(activations.map((name) => [name, name])), (act) =>
      change({ act }, build),
    ),
    opt: choice('Optimizer', Object.fromEntries(chosen.map((name) => [name, name])), (opt) =>
      change({ opt }, build),
    ),
    rate: choice('Learning rate', textsOf(rates), (text) =>
      change({ rate: Number(text) }, () => {
        if (network) network.learningRate = settings.rate
      }),
    ),
    batch: choice('Batch size', textsOf(sizes), (text) => change({ batch: Number(text) }, () => {})),
  }

  const samples = h('div', { class: 'samples' })
  let sampleAt = 0
  function showSamples(): void {
    if (!digits) return
    const { test } = digits
    samples.replaceChildren(
      ...Array.from({ length: 10 }, (_, i) => {
        const index = (sampleAt + i) % test.count
        const pixels = test.pixels.subarray(index * PIXELS, (index + 1) * PIXELS)
        const element = button('', () => {
          pad.put(pixels)
          ask()
        })
        element.setAttribute('aria-label', `Take this test digit, a ${test.labels[index]}`)
        element.append(greyImage(pixels))
        return element
      }),
    )
  }
  const more = button(
    'Other digits',
    () => {
      sampleAt += 10
      showSamples()
    },
    { class: 'quiet' },
  )
  const clear = button('Clear', () => {
    pad.clear()
    ask()
  })
  const state = h('p', { class: 'note', role: 'status' })

  async function load(): Promise<void> {
    if (digits) return
    state.textContent = 'Fetching the digits (about 2 MB) …'
    try {
      digits = await loadDigits()
    } catch (error) {
      state.textContent = `The digits can't be fetched: ${error instanceof Error ? error.message : error}`
      state.append(
        ' ',
        button('Try again', () => void load()),
      )
      return
    }
    state.textContent = `${grouped(digits.train.count)} digits to learn from, ${grouped(digits.test.count)} to be tested on.`
    for (const element of [play, one, reset]) element.disabled = false
    showSamples()
    build()
  }

  root.append(
    h(
      'div',
      { class: 'bar' },
      h('div', { class: 'row' }, play, one, reset),
      ...Object.values(controls).map(({ element }) => element),
    ),
    h(
      'div',
      { class: 'grid digits' },
      h(
        'div',
        { class: 'stack' },
        panel(
          'Your digit',
          h(
            'div',
            { class: 'stack' },
            pad.element,
            verdict,
            trust,
            h('div', { class: 'row' }, clear, more),
            samples,
          ),
        ),
      ),
      h(
        'div',
        { class: 'stack' },
        panel(
          'What the network makes of it',
          h(
            'div',
            { class: 'stack' },
            h(
              'div',
              { class: 'bars' },
              ...bars.flatMap(({ fill, text, name }) => [name, h('div', { class: 'track' }, fill), text]),
            ),
            h('h2', {}, 'Activations of the hidden layers'),
            activity.canvas,
          ),
        ),
        panel(
          'Weights of the first layer',
          tiles.canvas,
          h('p', { class: 'note' }, 'One image a neuron: blue pixels speak for it, orange ones against.'),
        ),
      ),
      h(
        'div',
        { class: 'stack' },
        panel(
          'Progress',
          h('div', { class: 'figures' }, ...Object.values(figures).map(({ element }) => element)),
          lossChart.element,
          accuracyChart.element,
          h(
            'div',
            { class: 'legend' },
            h('span', {}, h('i', { class: 'i-ink' }), 'training'),
            h('span', {}, h('i', { class: 'i-accent' }), 'test'),
          ),
          state,
        ),
      ),
    ),
  )

  return {
    async show() {
      paint()
      await load()
      if (wasPlaying) setPlaying(true)
    },
    hide() {
      wasPlaying = loop.isRunning
      setPlaying(false)
    },
    apply(query) {
      settings = readSettings(query, defaults, rules)
      controls.hidden.set(settings.hidden.includes('-') ? settings.hidden : ` ${settings.hidden}`)
      controls.act.set(settings.act)
      controls.opt.set(settings.opt)
      controls.rate.set(` ${settings.rate}`)
      controls.batch.set(` ${settings.batch}`)
      build()
    },
    hash: () => writePlace('digits', settings, defaults),
    repaint() {
      paint()
      activity.redraw()
    },
  }
}
