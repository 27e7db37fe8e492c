// The network of the Points tab in training. Enters: training and test points, the settings, Play and One epoch. Leaves:
// epochs at the speed that is set, a few milliseconds a frame; after them how the points are answered, which is shown.
import { button } from '../lib/dom.ts'
import { Loop } from '../lib/loop.ts'
import { isRegression, type Point, type Rows, rowsOf } from './data.ts'
import { features } from './features.ts'
import { Network, type Score } from './network.ts'
import { epochRates, inputsOf, optionsOf, type Settings, unitsOf } from './settings.ts'
import type { View } from './view.ts'

export type Training = ReturnType<typeof makeTraining>

/** Trains and shows as long as the panel, `root`, isn't hidden. */
export function makeTraining(root: HTMLElement, settings: Readonly<Settings>, view: View) {
  let train: readonly Point[] = []
  let test: readonly Point[] = []
  let trainRows: Rows = rowsOf([], [])
  let testRows: Rows = rowsOf([], [])
  let network: Network
  let onTrain: Score = { loss: Number.NaN, share: Number.NaN }
  let onTest = onTrain
  let due = 0
  let before = 0
  let painted = 0
  /** Milliseconds of the last frame that painted. */
  let cost = 0
  let isStale = true

  function build(keep = false): void {
    const old = network
    network = new Network(optionsOf(settings), keep && old ? old.weights() : null)
    if (keep && old) {
      network.epoch = old.epoch
      network.steps = old.steps
    } else view.chart.clear()
    old?.dispose()
    view.begin(
      inputsOf(settings).map((name) => features[name].text),
      unitsOf(settings),
      isRegression(settings.data),
    )
    makeRows()
    if (!keep) record()
    refresh()
  }

  function use(trainPoints: readonly Point[], testPoints: readonly Point[]): void {
    train = trainPoints
    test = testPoints
    if (train.length === 0) setPlaying(false)
  }

  /** Points for a network that has seen none. */
  function begin(trainPoints: readonly Point[], testPoints: readonly Point[]): void {
    use(trainPoints, testPoints)
    build()
  }

  /** Other points to learn from and to be tested on; the network goes on. */
  function learnFrom(trainPoints: readonly Point[], testPoints: readonly Point[]): void {
    use(trainPoints, testPoints)
    makeRows()
    network.forget()
    refresh()
  }

  function makeRows(): void {
    const inputs = inputsOf(settings)
    trainRows = rowsOf(train, inputs)
    testRows = rowsOf(test, inputs)
  }

  /** Whether there is anything to learn; otherwise that is said. */
  function hasPoints(): boolean {
    if (train.length > 0) return true
    view.note('Draw some points first.')
    view.surface.element.scrollIntoView({ block: 'nearest' })
    return false
  }

  /** How training and test points are answered now: computed once, shown and charted. */
  function measure(): void {
    onTrain = network.score(trainRows)
    onTest = network.score(testRows)
    view.diverged.set(isDiverged() ? settings.rate : null)
  }

  /** The weights have grown until they are no numbers: nothing but a reset helps. */
  const isDiverged = () => train.length > 0 && !Number.isFinite(onTrain.loss)

  function record(): void {
    measure()
    view.chart.add(network.epoch, [onTrain.loss, onTest.loss])
  }

  function epoch(): void {
    network.trainEpoch(train, settings.batch)
    isStale = true
  }

  const loop = new Loop((hasTime, now) => {
    const elapsed = Math.min(100, now - before)
    before = now
    due += (elapsed / 1000) * epochRates[settings.speed]
    let did = false
    while (due >= 1 && hasTime()) {
      epoch()
      due--
      did = true
    }
    due = Math.min(due, 2)
    if (did) {
      record()
      if (isDiverged()) setPlaying(false)
      // where pictures cost much, fewer are shown, so that the page stays quick to the touch
      if (now - painted > Math.max(25, 4 * cost)) {
        painted = now
        paint()
        cost = performance.now() - now
      }
    }
    if (loop.isRunning && loop.rate) view.figures.frames.set(loop.rate.toFixed(0))
  })

  function refresh(): void {
    measure()
    touch()
  }

  /** Shown anew: at once, or with the next epochs while it plays. */
  function touch(): void {
    isStale = true
    if (!loop.isRunning && network) paint()
  }

  function repaint(): void {
    isStale = true
    paint()
  }

  function paint(): void {
    if (!isStale || root.hidden) return
    isStale = false
    view.show({ network, onTrain, onTest, isPlaying: loop.isRunning })
  }

  const play = button('Play', () => setPlaying(!loop.isRunning), { class: 'main', 'data-action': 'play' })
  function setPlaying(on: boolean): void {
    if (on && isDiverged()) view.diverged.element.scrollIntoView({ block: 'nearest' })
    else if (on && hasPoints()) {
      before = performance.now()
      due = 1
      loop.start()
    } else if (loop.isRunning) {
      loop.stop()
      view.figures.frames.set('–')
      // the last frame may not have been painted, its chart even less
      repaint()
    }
    play.textContent = loop.isRunning ? 'Pause' : 'Play'
  }
  const step = button(
    'One epoch',
    () => {
      setPlaying(false)
      if (isDiverged() || !hasPoints()) return
      epoch()
      record()
      paint()
    },
    { 'data-action': 'step' },
  )
  const reset = button(
    'Reset',
    () => {
      setPlaying(false)
      build()
    },
    { 'data-action': 'reset' },
  )

  return {
    buttons: [play, step, reset],
    get isPlaying() {
      return loop.isRunning
    },
    build,
    begin,
    learnFrom,
    setPlaying,
    touch,
    repaint,
    /** The learning rate and the optimizer change on the way; the weights stay. */
    useRate() {
      network.learningRate = settings.rate
    },
    useOptimizer() {
      network.compile(optionsOf(settings))
    },
  }
}
