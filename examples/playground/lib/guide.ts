// What stands above every tab: its title, and the guide: a few steps of what to try, one at a time, each with a link that
// sets the tab up for it. The guide is open until the visitor closes it; that is remembered for each tab.
import { button, h } from './dom.ts'

/** One step of a guide. */
export interface Try {
  /** What to do and what to look at, in one or two sentences. */
  readonly text: string
  /** The set-up in which that can be seen, as `#points?data=xor`; without it the step has no button "Show me". */
  readonly link?: string
}

export interface Guided {
  readonly title: string
  /** The first entry is the hint for the first visit. */
  readonly tries: readonly Try[]
}

const keyOf = (name: string) => `lanegrad-guide-${name}`

function wasClosed(name: string): boolean {
  try {
    return localStorage.getItem(keyOf(name)) === 'closed'
  } catch {
    return false // storage is forbidden: the guide opens each time
  }
}

function remember(name: string, isOpen: boolean): void {
  try {
    if (isOpen) localStorage.removeItem(keyOf(name))
    else localStorage.setItem(keyOf(name), 'closed')
  } catch {
    // storage is forbidden: the choice lasts as long as the page
  }
}

/** Title and guide of the tab `name`; `go` opens a link. */
export function makeGuide(name: string, { title, tries }: Guided, go: (link: string) => void): HTMLElement {
  let at = 0
  let isOpen = !wasClosed(name)
  const count = h('strong', {})
  const text = h('p', { id: `guide-text-${name}` })
  const back = button('Previous', () => move(-1), { 'aria-label': 'Previous suggestion' })
  const next = button('Next', () => move(1), { 'aria-label': 'Next suggestion', 'data-guide': 'next' })
  const showMe = button('Show me', () => go(tries[at].link ?? ''), {
    'aria-describedby': text.id,
    'data-guide': 'show',
  })
  const box = h(
    'div',
    { class: 'guide', id: `guide-${name}`, role: 'region', 'aria-label': 'What to try' },
    h('div', { 'aria-live': 'polite' }, count, text),
    h('div', { class: 'row' }, showMe, back, next),
  )
  const toggle = button('Guide', () => setOpen(!isOpen), {
    class: 'quiet',
    'aria-controls': box.id,
    'data-guide': 'toggle',
  })

  function setOpen(on: boolean): void {
    isOpen = on
    remember(name, on)
    paint()
  }
  function move(by: number): void {
    at += by
    paint()
    // a button that can't be pressed any more gives its focus away
    if (at === 0) next.focus()
    if (at === tries.length - 1) back.focus()
  }
  function paint(): void {
    count.textContent = `What to try, ${at + 1} of ${tries.length}`
    text.textContent = tries[at].text
    showMe.hidden = !tries[at].link
    back.disabled = at === 0
    next.disabled = at === tries.length - 1
    box.hidden = !isOpen
    toggle.setAttribute('aria-expanded', String(isOpen))
  }
  paint()
  return h('div', {}, h('div', { class: 'tab-head' }, h('h2', {}, title), toggle), box)
}
