// Points: a network of the visitor's making learns to tell two classes of points apart, before the eyes. What is set
// (settings.ts, from a link or by controls.ts) and the points (sets.ts) go to training.ts, what that finds to view.ts.
import { h, panel } from '../lib/dom.ts'
import { type MakeTab, readSettings, writePlace } from '../lib/state.ts'
import { makeControls } from './controls.ts'
import { makeSets } from './sets.ts'
import { type Change, defaults, rules, type Settings } from './settings.ts'
import { makeTraining } from './training.ts'
import { makeView } from './view.ts'

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
    view.diverged,
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
