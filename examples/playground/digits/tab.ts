// Digits: MNIST learned in the page while it is watched, and asked about what the visitor draws. The digits (data.ts) and
// what is set (settings.ts) go to training.ts, what that finds to view.ts and asking.ts.
import { button, grouped, h, panel } from '../lib/dom.ts'
import { type MakeTab, readSettings, writePlace } from '../lib/state.ts'
import { makeAsking } from './asking.ts'
import { type Digits, loadDigits } from './data.ts'
import { defaults, makeControls, rules, type Settings } from './settings.ts'
import { makeTraining } from './training.ts'
import { makeView } from './view.ts'

/** The guide: what to try here. */
const tries = [
  {
    text: 'Press Train and wait until the test accuracy has passed 90 %. Then draw a digit on the black field.',
    link: '#digits',
  },
  {
    text: 'Pick a test digit below the field while the network trains: the bars show how sure it is of each answer, and how that changes.',
  },
  {
    text: 'The small images are the weights of the first layer. They begin as noise; parts of strokes appear in them as the network learns.',
  },
  {
    text: 'Draw what is no digit at all. The network still answers, and often it is sure: it can only choose among ten.',
  },
]

export const makeTab: MakeTab = (root, onChange) => {
  const settings: Settings = { ...defaults }
  let digits: Digits | null = null
  let wasPlaying = false
  function change(patch: Partial<Settings>, then: () => void): void {
    Object.assign(settings, patch)
    then()
    onChange()
  }

  const view = makeView()
  const asking = makeAsking()
  const training = makeTraining(root, settings, view, asking)
  const controls = makeControls(settings, change, training)

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
    asking.offer(digits.test)
    training.use(digits)
  }

  root.append(
    h(
      'div',
      { class: 'bar' },
      h('div', { class: 'row' }, ...training.buttons),
      h('div', { class: 'fields' }, ...controls.bar),
    ),
    training.diverged,
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
            asking.pad,
            asking.verdict,
            view.trust,
            h('div', { class: 'row' }, ...asking.buttons),
            asking.samples,
          ),
        ),
      ),
      h(
        'div',
        { class: 'stack' },
        panel(
          'What the network reads',
          h(
            'div',
            { class: 'stack' },
            asking.bars,
            h('h2', {}, 'Activations of the hidden layers'),
            asking.activity,
          ),
        ),
        panel(
          'Weights of the first layer',
          view.tiles,
          h(
            'p',
            { class: 'note' },
            'One image for each neuron: where it is blue, a bright pixel raises the neuron’s sum; where it is orange, it lowers it.',
          ),
        ),
      ),
      h(
        'div',
        { class: 'stack' },
        panel(
          'Progress',
          h('div', { class: 'figures' }, ...Object.values(view.figures).map(({ element }) => element)),
          view.lossChart.element,
          view.accuracyChart.element,
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
    title: 'Digits: a network learns to read handwriting',
    tries,
    async show() {
      training.paint()
      await load()
      if (wasPlaying) training.setPlaying(true)
    },
    hide() {
      wasPlaying = training.isPlaying
      training.setPlaying(false)
    },
    apply(query) {
      Object.assign(settings, readSettings(query, defaults, rules))
      controls.show()
      training.build()
    },
    hash: () => writePlace('digits', settings, defaults),
    repaint() {
      training.paint()
      asking.repaint()
    },
  }
}
