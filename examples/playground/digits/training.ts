// The network of the Digits tab in training, and tested meanwhile. Enters: the digits, the settings, Train and One batch.
// Leaves: steps, a few milliseconds a frame; every fourth frame tests a piece of the test digits, all pieces with the
// weights the test has begun with. What comes of it is shown, and what is drawn asked about again.
import { button, divergedNote } from '../lib/dom.ts'
import { Loop } from '../lib/loop.ts'
import type { Asking } from './asking.ts'
import type { Digits } from './data.ts'
import { Network } from './network.ts'
import { optionsOf, type Settings } from './settings.ts'
import type { View } from './view.ts'

/** Trains; shows as long as the panel, `root`, isn't hidden. */
export function makeTraining(root: HTMLElement, settings: Readonly<Settings>, view: View, asking: Asking) {
  let digits: Digits | null = null
  let network: Network | null = null
  let smoothLoss = Number.NaN
  let smoothAccuracy = Number.NaN
  let testAccuracy = Number.NaN
  let rateSamples: [ms: number, samples: number][] = []
  let frames = 0
  let lastPaint = 0
  let lastRecord = 0

  /** The weights have grown until they are no numbers: nothing but a reset helps. */
  const diverged = divergedNote()
  let isDiverged = false
  const setDiverged = (on: boolean) => {
    isDiverged = on
    diverged.set(on ? settings.rate : null)
  }

  function build(): void {
    if (!digits) return
    setDiverged(false)
    testing.stop()
    network?.dispose()
    const options = optionsOf(settings)
    network = new Network(digits, options)
    view.begin(options.units[0])
    smoothLoss = Number.NaN
    smoothAccuracy = Number.NaN
    testAccuracy = Number.NaN
    rateSamples = []
    lastRecord = 0
    asking.use(network)
    paint()
  }

  function step(): void {
    if (!network) return
    const { loss, accuracy } = network.step(settings.batch)
    setDiverged(!Number.isFinite(loss))
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
    view.lossChart.add(network.samples, [smoothLoss])
    view.accuracyChart.add(network.samples, [smoothAccuracy, testAccuracy])
  }

  const loop = new Loop((hasTime, now) => {
    if (!network) return
    // one frame in four goes on testing, the others train
    if (frames++ % 4 === 3) testAccuracy = network.testPiece() ?? testAccuracy
    else
      do step()
      while (hasTime() && !isDiverged)
    if (isDiverged) setPlaying(false)
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
    view.show({
      network,
      loss: smoothLoss,
      accuracy: smoothAccuracy,
      testAccuracy,
      seen: rateSamples,
      frameRate: loop.isRunning ? loop.rate : 0,
    })
    asking.askAgain()
  }

  const play = button('Train', () => setPlaying(!loop.isRunning), {
    class: 'main',
    'data-action': 'play',
    disabled: true,
  })
  function setPlaying(on: boolean): void {
    const was = loop.isRunning
    testing.stop()
    if (on && network && !isDiverged) loop.start()
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
      if (isDiverged) return
      step()
      testNow()
      paint()
    },
    { disabled: true, 'data-action': 'step' },
  )
  const reset = button(
    'Reset',
    () => {
      setPlaying(false)
      build()
    },
    { disabled: true, 'data-action': 'reset' },
  )
  const buttons = [play, one, reset]

  return {
    buttons,
    diverged: diverged.element,
    get isPlaying() {
      return loop.isRunning
    },
    build,
    paint,
    setPlaying,
    /** The digits are there: training can begin. */
    use(loaded: Digits) {
      digits = loaded
      for (const element of buttons) element.disabled = false
      build()
    },
    useRate() {
      if (network) network.learningRate = settings.rate
    },
  }
}
