// A page of typedoc as a page of the site: with the site's links, a list of modules and groups that needs no script, landmarks, headings in order, shown
// at once. Enters: typedoc's HTML. Leaves: HTML.
import { escapeText, links } from './layout.mjs'

/** The groups of a module's page, with their anchors. */
export const groupsIn = (html) =>
  [...html.matchAll(/<h2 class="tsd-anchor-link" id="([^"]+)">([^<]+)/g)].map(([, id, title]) => ({
    id,
    title,
  }))

/**
 * The list beside a page of the reference.
 * @param {string} path  from the reference's folder
 * @param {readonly { file: string, name: string, groups: readonly { id: string, title: string }[] }[]} modules
 */
function menu(path, modules) {
  const root = '../'.repeat(path.split('/').length - 1)
  const own = /\/(lanegrad\w*)\./.exec(path)?.[1]
  const item = ({ file, name, groups }) => {
    const isOwn = file === `${own}.html`
    const address = `${root}modules/${file}`
    const inner = isOwn
      ? `<ul>${groups.map(({ id, title }) => `<li><a href="${address}#${id}">${title}</a></li>`).join('')}</ul>`
      : ''
    return `<li><a href="${address}"${isOwn ? ' class="current"' : ''}>${escapeText(name)}</a>${inner}</li>`
  }
  return `<nav class="tsd-navigation reference-menu" aria-label="Modules"><ul>${modules.map(item).join('')}</ul></nav>`
}

/** Headings whose levels leave none out: typedoc's pages of functions go from 1 to 4. */
function ordered(html) {
  const above = []
  return html.replace(/<h([1-6])(?=[ >])/g, (tag, digit) => {
    const level = Number(digit)
    while (above.length > 0 && above.at(-1) >= level) above.pop()
    above.push(level)
    return above.length === level ? tag : `${tag} aria-level="${above.length}"`
  })
}

/**
 * @param {string} html
 * @param {string} path  from the reference's folder
 * @param {Parameters<typeof menu>[1]} modules
 * @throws Error where typedoc writes other pages than these changes are for
 */
export function adapted(html, path, modules) {
  const changes = [
    [
      /(<a href="[^"]*" class="title">lanegrad<\/a>)/,
      `$1<nav class="site" aria-label="Site">${links(`reference/${path}`, 'reference')}</nav>`,
    ],
    [/<div class="col-content">/, '<div class="col-content" role="main">'],
    [/<div class="col-sidebar">/, '<div class="col-sidebar" role="complementary" aria-label="Contents">'],
    [/<nav class="tsd-navigation">[\s\S]*?<\/nav>/, menu(path, modules)],
    // it hides the page until its scripts are there, for half a second
    [/document\.body\.style\.display="none";setTimeout\([\s\S]*?,500\)/, ''],
    // which builds the list of modules
    [/<script[^>]*src="[^"]*navigation\.js"[^>]*><\/script>/, ''],
  ]
  let text = html
  for (const [part, instead] of changes) {
    const changed = text.replace(part, () => instead.replace('$1', part.exec(text)?.[1] ?? ''))
    if (changed === text) throw new Error(`${path}: typedoc's page has no ${part}`)
    text = changed
  }
  // a link within what opens and closes a section couldn't be told from it
  const plain = text.replace(/<summary[\s\S]*?<\/summary>/g, (summary) =>
    summary.replace(/<a [^>]*class="tsd-anchor-icon"[\s\S]*?<\/a>/g, ''),
  )
  return ordered(plain.replace(/<footer>[\s\S]*?<\/footer>/, ''))
}
