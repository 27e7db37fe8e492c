// The page around the tabs: which one is shown, its title and guide, the link to its set-up, the theme. A tab's code is
// fetched when it is first opened. A new tab is a line in `loaders` here and its button and panel in index.html.
import { readPalette } from './lib/colors.ts'
import { h } from './lib/dom.ts'
import { makeGuide } from './lib/guide.ts'
import { type MakeTab, readPlace, type Tab } from './lib/state.ts'

const loaders: Readonly<Record<string, () => Promise<{ makeTab: MakeTab }>>> = {
  points: () => import('./points/tab.ts'),
  digits: () => import('./digits/tab.ts'),
  teach: () => import('./teach/tab.ts'),
  inside: () => import('./inside/tab.ts'),
  speed: () => import('./speed/tab.ts'),
}
const names = Object.keys(loaders)
const tabs = new Map<string, Promise<Tab>>()
let current = ''

const byId = (id: string): HTMLElement => document.getElementById(id) as HTMLElement

function say(text: string): void {
  byId('notice').textContent = text
  setTimeout(() => {
    if (byId('notice').textContent === text) byId('notice').textContent = ''
  }, 4000)
}

let waiting = 0
let wanted = ''

/** Soon, and once for many changes in a row: browsers refuse more than a hundred in ten seconds. */
function replaceHash(hash: string): void {
  wanted = hash
  if (waiting) return
  waiting = window.setTimeout(() => {
    waiting = 0
    if (wanted !== location.hash) history.replaceState(null, '', wanted)
  }, 150)
}

/** Opens a tab by a click: the one before stays in the history, as it is now. */
function visit(name: string): void {
  if (name === current) return
  if (waiting) history.replaceState(null, '', wanted)
  clearTimeout(waiting)
  waiting = 0
  wanted = `#${name}`
  history.pushState(null, '', wanted)
  void open(name, null)
}

/** A tab that can't be shown says so in its panel, and is made anew when it is opened again. */
async function fail(name: string, error: unknown): Promise<void> {
  const made = tabs.get(name)
  tabs.delete(name)
  const panel = byId(`panel-${name}`)
  const again = h('button', { type: 'button', onclick: () => open(name, null) }, 'The usual set-up')
  const text = `This can’t be shown: ${error instanceof Error ? error.message : error} `
  panel.replaceChildren(h('p', { class: 'waiting', role: 'alert' }, text, again))
  console.error(error)
  const tab = await made?.catch(() => null)
  tab?.hide()
}

/** Opens a tab; with a query as that says, otherwise as it was left. */
async function open(name: string, query: URLSearchParams | null): Promise<void> {
  const before = current
  current = name
  for (const other of names) {
    const tab = byId(`tab-${other}`)
    tab.setAttribute('aria-selected', String(other === name))
    tab.tabIndex = other === name ? 0 : -1
    byId(`panel-${other}`).hidden = other !== name
  }
  if (before && before !== name) (await tabs.get(before)?.catch(() => null))?.hide()
  const isNew = !tabs.has(name)
  let loading = tabs.get(name)
  if (!loading) {
    const panel = byId(`panel-${name}`)
    loading = loaders[name]().then(({ makeTab }) => {
      panel.replaceChildren()
      const made = makeTab(panel, () => {
        if (current === name) void tabs.get(name)?.then((tab) => replaceHash(tab.hash()))
      })
      panel.prepend(
        makeGuide(name, made, (link) => {
          location.hash = link
        }),
      )
      return made
    })
    tabs.set(name, loading)
  }
  try {
    const tab = await loading
    // a link to what the tab is already, as on the way back, leaves it as it is
    if (isNew || (query && tab.hash() !== location.hash)) tab.apply(query ?? new URLSearchParams())
    if (current !== name) return
    document.title = `${tab.title} – lanegrad playground`
    replaceHash(tab.hash())
    await tab.show()
  } catch (error) {
    await fail(name, error)
  }
}

for (const button of document.querySelectorAll<HTMLElement>('[role=tab]')) {
  button.addEventListener('click', () => visit(button.dataset.tab as string))
  button.addEventListener('keydown', (event) => {
    const move = { ArrowRight: 1, ArrowLeft: -1, Home: -names.length, End: names.length }[event.key]
    if (move === undefined) return
    event.preventDefault()
    event.stopPropagation()
    const at = names.indexOf(button.dataset.tab as string) + move
    const name =
      names[
        Math.abs(move) > 1 ? Math.max(0, Math.min(names.length - 1, at)) : (at + names.length) % names.length
      ]
    byId(`tab-${name}`).focus()
    visit(name)
  })
}

// of a frame, a press, a change: in short, and the whole on the console
window.addEventListener('error', ({ error }) => {
  if (error) say(`Something went wrong: ${error instanceof Error ? error.message : error}`)
})

window.addEventListener('hashchange', () => {
  clearTimeout(waiting)
  waiting = 0
  const { tab, query } = readPlace(location.hash)
  if (names.includes(tab)) void open(tab, query)
})

document.querySelector('[data-skip]')?.addEventListener('click', (event) => {
  event.preventDefault()
  const panel = byId(`panel-${current}`)
  panel.tabIndex = -1
  panel.focus()
})

byId('share').addEventListener('click', async () => {
  try {
    await navigator.clipboard.writeText(new URL(wanted, location.href).href)
    say('The link to this set-up is copied.')
  } catch {
    say('The address of this page is the link to this set-up.')
  }
})

const themes = ['', 'light', 'dark']
const themeNames = ['as the system', 'light', 'dark']
const themeMarks = ['◐', '☀', '☾']
const root = document.documentElement

function paintTheme(): void {
  const at = Math.max(0, themes.indexOf(root.dataset.theme ?? ''))
  const button = byId('theme')
  button.textContent = themeMarks[at]
  button.setAttribute('aria-label', `Theme: ${themeNames[at]}`)
  button.title = `Theme: ${themeNames[at]}`
  readPalette()
  for (const tab of tabs.values()) void tab.then((made) => made.repaint())
}

byId('theme').addEventListener('click', () => {
  const next = themes[(themes.indexOf(root.dataset.theme ?? '') + 1) % themes.length]
  if (next) root.dataset.theme = next
  else delete root.dataset.theme
  try {
    localStorage.setItem('lanegrad-theme', next)
  } catch {
    // storage is forbidden: the choice lasts as long as the page
  }
  paintTheme()
})
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paintTheme)

paintTheme()
const place = readPlace(location.hash)
void open(names.includes(place.tab) ? place.tab : 'points', place.query)
