// Teach: a net learns to tell pictures of the visitor's own apart.
import { h, panel } from '../lib/dom.ts'
import type { MakeTab } from '../lib/state.ts'

export const makeTab: MakeTab = (root) => {
  root.append(
    h(
      'div',
      { class: 'grid teach' },
      panel('Pictures', h('p', { class: 'note' }, 'Here a net will learn from pictures of your own.')),
    ),
  )
  return {
    title: 'Teach: a network learns to tell your own pictures apart',
    tries: [{ text: 'Draw a few pictures of two kinds, then let the network learn from them.' }],
    show() {},
    hide() {},
    apply() {},
    hash: () => '#teach',
    repaint() {},
  }
}
