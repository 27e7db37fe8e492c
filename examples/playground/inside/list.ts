// The stages as a list of buttons, by phase; the one shown is marked. On a phone it is one line that scrolls sideways and
// keeps the marked one in sight.
import { button, h } from '../lib/dom.ts'
import { phases, type Stage, stages } from './stages.ts'

export function makeStageList(onPick: (id: string) => void) {
  const buttons = stages.map(({ id, name, phase }) => ({
    phase,
    element: button(name, () => onPick(id), { 'data-stage': id }),
  }))
  const element = h(
    'nav',
    { class: 'stages', 'aria-label': 'Stages of a step' },
    ...phases.map((phase) =>
      h(
        'div',
        {},
        h('span', { id: `phase-${phase.replace(' ', '-')}` }, phase),
        h(
          'ol',
          { 'aria-labelledby': `phase-${phase.replace(' ', '-')}` },
          ...buttons.filter((each) => each.phase === phase).map((each) => h('li', {}, each.element)),
        ),
      ),
    ),
  )
  return {
    element,
    show(stage: Stage): void {
      for (const each of buttons) {
        if (each.element.dataset.stage !== stage.id) {
          each.element.removeAttribute('aria-current')
          continue
        }
        each.element.setAttribute('aria-current', 'step')
        const { offsetLeft, offsetWidth } = each.element
        element.scrollLeft = offsetLeft + offsetWidth / 2 - element.clientWidth / 2
      }
    },
  }
}
