// What a page of the site does: the theme, the search, the list of pages on wide screens. A plain script, so that pages opened from a file have it.
;(() => {
  const root = document.documentElement
  const THEMES = { '': 'Theme: as the system', light: 'Theme: light', dark: 'Theme: dark' }
  const SIGNS = { '': '◐', light: '☀', dark: '☾' }
  const themeButton = document.querySelector('#theme')
  const showTheme = () => {
    const theme = root.dataset.theme ?? ''
    themeButton.textContent = SIGNS[theme]
    themeButton.setAttribute('aria-label', THEMES[theme])
    themeButton.title = THEMES[theme]
  }
  themeButton.hidden = false
  themeButton.addEventListener('click', () => {
    const names = Object.keys(THEMES)
    const next = names[(names.indexOf(root.dataset.theme ?? '') + 1) % names.length]
    if (next) root.dataset.theme = next
    else delete root.dataset.theme
    try {
      if (next) localStorage.setItem('lanegrad-theme', next)
      else localStorage.removeItem('lanegrad-theme')
    } catch {
      // storage is forbidden: the choice lasts as long as the page
    }
    showTheme()
  })
  showTheme()

  // the list of pages is open where there is room beside the text
  const side = document.querySelector('.side')
  const wide = matchMedia('(min-width: 900px)')
  const openSide = () => {
    side.open = wide.matches
  }
  wide.addEventListener('change', openSide)
  openSide()

  // the index comes with the first letter: [address, title, section, text, kind] for each section and each name
  const search = document.querySelector('.search')
  const input = search.querySelector('input')
  const panel = search.querySelector('.results')
  const list = panel.querySelector('ul')
  const status = panel.querySelector('[role=status]')
  const MOST = 12
  search.hidden = false
  let index = null
  const wanted = (text) =>
    text
      .toLowerCase()
      .split(/[^\p{L}\p{N}]+/u)
      .filter(Boolean)
  const load = () => {
    if (index || document.querySelector('script[data-index]')) return
    const script = document.createElement('script')
    script.src = `${root.dataset.root}assets/search-index.js`
    script.dataset.index = ''
    script.addEventListener('load', () => {
      index = window.lanegradIndex.map(([url, title, section, text, kind]) => ({
        ...{ url, title, section, kind, text },
        head: wanted(`${section} ${title}`),
        name: section.toLowerCase(),
        words: ` ${wanted(text).join(' ')}`,
      }))
      find()
    })
    document.head.append(script)
  }
  const scoreOf = ({ head, name, words, kind }, terms, whole) => {
    let score = name === whole ? 60 : name.startsWith(whole) ? 25 : 0
    for (const term of terms) {
      if (head.includes(term)) score += 12
      else if (head.some((word) => word.startsWith(term))) score += 8
      else if (words.includes(` ${term}`)) score += 2
      else return 0
    }
    return score + (kind === 'guide' ? 1 : 0)
  }
  const around = (text, terms) => {
    const at = Math.max(0, text.toLowerCase().indexOf(terms[0]) - 30)
    return `${at > 0 ? '… ' : ''}${text.slice(at, at + 110)}${text.length > at + 110 ? ' …' : ''}`
  }
  function find() {
    const terms = wanted(input.value)
    panel.hidden = terms.length === 0
    if (panel.hidden || !index) return load()
    const whole = input.value.trim().toLowerCase()
    const found = index
      .map((entry) => ({ entry, score: scoreOf(entry, terms, whole) }))
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score)
    status.textContent = found.length === 0 ? 'Nothing found' : `${found.length} found`
    list.replaceChildren(
      ...found.slice(0, MOST).map(({ entry: { url, title, section, text } }) => {
        const link = document.createElement('a')
        link.href = root.dataset.root + url
        const [head, rest] = ['strong', 'span'].map((tag) => document.createElement(tag))
        head.textContent = section === title ? title : `${section} · ${title}`
        rest.textContent = around(text, terms)
        link.append(head, rest)
        const item = document.createElement('li')
        item.append(link)
        return item
      }),
    )
  }
  input.addEventListener('focus', load)
  input.addEventListener('input', find)
  search.addEventListener('keydown', (event) => {
    const links = [...list.querySelectorAll('a')]
    const at = links.indexOf(document.activeElement)
    if (event.key === 'Escape') {
      input.value = ''
      panel.hidden = true
      input.focus()
    } else if (event.key === 'ArrowDown' && links.length > 0)
      links[Math.min(at + 1, links.length - 1)].focus()
    else if (event.key === 'ArrowUp' && at >= 0) (links[at - 1] ?? input).focus()
    else if (event.key === 'Enter' && event.target === input) links[0]?.click()
    else return
    event.preventDefault()
  })
  document.addEventListener('click', ({ target }) => {
    if (!search.contains(target)) panel.hidden = true
  })
  document.addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.target.closest('input, select, textarea')) return
    event.preventDefault()
    input.focus()
  })
})()
