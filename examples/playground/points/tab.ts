// Points: a network of the visitor's making learns to tell two classes of points apart, before the eyes. What is set
// (settings.ts, from a link or by controls.ts) and the points (sets.ts) go to training.ts, what that finds to view.ts.
import { h, panel } from '../lib/dom.ts'
import { type MakeTab, readSettings, writePlace } from '../lib/state.ts'
import { makeControls } from './controls.ts'
import { makeSets } from './sets.ts'
import { type Change, defaults, rules, type Settings } from './settings.ts'
import { makeTraining } from './training.ts'
import { makeView } from './view.ts'

/** The guide: what to try here. */
const tries = [
  {
    text: 'Press Play and watch the map: the network begins with a guess and bends its border around the blue points. The curve below falls as it learns.',
    link: '#points',
  },
  {
    text: 'A network without a hidden layer can draw only a straight border. Press Play, see it fail, then press Add layer and play again.',
    link: '#points?data=xor&layers=',
  },
  {
    text: 'Point at a neuron in the network, or press it: the map shows what this neuron alone outputs. Each draws a simple border, and the next layer puts them together.',
    link: '#points?data=xor&layers=4-3',
  },
  {
    text: 'Other inputs help more than layers: told x1² and x2², a network without a hidden layer can draw a circle.',
    link: '#points?inputs=xx-yy&layers=',
  },
  {
    text: 'A regression: the points have values between −1 and 1, and the network learns to say the value everywhere.',
    link: '#points?data=hills&layers=8-4',
  },
  {
    text: 'Spirals are hard: it takes more neurons and more patience. Try tanh instead of silu here: many a choice learns only half of it.',
    link: '#points?data=spirals&layers=8-8-8&act=silu&rate=0.01&speed=fast',
  },
  {
    text: 'Too large a learning rate makes every step jump past its goal. Press Play and see the loss rise until training stops.',
    link: '#points?opt=sgd&rate=3&act=relu&layers=8-8-8&speed=full',
  },
]

export const makeTab: MakeTab = (root, onChange) => {
  const settings: Settings = { ...defaults }
  let wasPlaying = false
  const change: Change = (patch, then) => {
    Object.assign(settings, patch)
    then()
    onChange()
  }

  const view = makeView(
    (x, y) => sets.draw(x, y),
    () => training.touch(),
  )
  const training = makeTraining(root, settings, view)
  const sets = makeSets(settings, change, view, training)
  const controls = makeControls(settings, change, training)

  root.append(
    h(
      'div',
      { class: 'bar' },
      h('div', { class: 'row' }, ...training.buttons, sets.reseed),
      h('div', { class: 'fields' }, ...controls.bar),
    ),
    view.diverged.element,
    h(
      'div',
      { class: 'grid points' },
      h(
        'div',
        { class: 'data' },
        panel(
          'Data',
          h('div', { class: 'stack' }, sets.list, h('div', { class: 'sliders' }, sets.noise, sets.share)),
        ),
      ),
      h(
        'div',
        { class: 'output' },
        h(
          'section',
          { class: 'card stack' },
          view.heading,
          view.surface.element,
          sets.ownTools,
          h('div', { class: 'row' }, sets.showTest, view.legend),
        ),
      ),
      h(
        'div',
        { class: 'net-card' },
        panel(
          'Network',
          controls.inputs,
          controls.layers,
          view.diagram.element,
          h('div', { class: 'row picked' }, view.lens, view.details),
          h(
            'p',
            { class: 'note' },
            'Each square is what a neuron outputs over the plane; each line is a weight: blue above 0, orange below, as wide as it is large.',
          ),
        ),
      ),
      h(
        'div',
        { class: 'progress' },
        panel(
          'Progress',
          h('div', { class: 'figures' }, ...Object.values(view.figures).map(({ element }) => element)),
          view.chart.element,
          h(
            'ul',
            { class: 'legend', 'aria-label': 'Legend' },
            h('li', {}, h('i', { class: 'i-ink' }), 'training loss'),
            h('li', {}, h('i', { class: 'i-accent' }), 'test loss'),
          ),
        ),
      ),
    ),
  )

  return {
    title: 'Points: a network learns from points in the plane',
    tries,
    show() {
      training.repaint()
      if (wasPlaying) training.setPlaying(true)
    },
    hide() {
      wasPlaying = training.isPlaying
      training.setPlaying(false)
    },
    apply(query) {
      Object.assign(settings, readSettings(query, defaults, rules))
      controls.show()
      sets.show()
    },
    // drawn points wait for the visitor to come back to them, but they are no part of another set's link
    hash: () =>
      writePlace('points', settings.data === 'own' ? settings : { ...settings, points: '' }, defaults),
    repaint() {
      sets.repaint()
      training.repaint()
    },
  }
}
