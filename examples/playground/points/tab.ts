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
    link: '#points?data=circles',
  },
  {
    text: 'A network without a hidden layer can draw only a straight border. Press Play on Xor, see it fail, then add a layer.',
    link: '#points?data=xor&layers=',
  },
  {
    text: 'Point at a neuron in the network, or press it: the map shows what this neuron alone outputs. Each one draws a simple border, and the next layer puts them together.',
    link: '#points?data=xor&layers=4-3',
  },
  {
    text: 'Spirals are hard: more neurons help, and so does patience. Choose the speed Full.',
    link: '#points?data=spirals&layers=8-8-8&speed=full',
  },
  {
    text: 'Too large a learning rate makes every step jump over the goal. Press Play and see the loss rise until training stops.',
    link: '#points?opt=sgd&rate=3&act=relu',
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
    h('div', { class: 'bar' }, h('div', { class: 'row' }, ...training.buttons, sets.reseed), ...controls.bar),
    view.diverged.element,
    h(
      'div',
      { class: 'grid points' },
      h(
        'div',
        { class: 'data' },
        panel('Data', h('div', { class: 'stack' }, sets.list, sets.noise, sets.share)),
      ),
      h(
        'div',
        { class: 'net-card' },
        panel(
          'Network',
          controls.layers,
          view.diagram.element,
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
            view.surface.element,
            sets.ownTools,
            h(
              'div',
              { class: 'row' },
              sets.showTest,
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
          h('div', { class: 'figures' }, ...Object.values(view.figures).map(({ element }) => element)),
          view.chart.element,
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
    title: 'Points: a network learns to tell two colors apart',
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
    hash: () => writePlace('points', settings, defaults),
    repaint() {
      sets.repaint()
      training.repaint()
    },
  }
}
