// The frame of a page of the site. Enters: what stands in it. Leaves: HTML with relative addresses alone, so that it works from any folder, from a
// file as well.
export const escapeText = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** `file:` for pages opened from a folder, where nothing is 'self'. */
const POLICY =
  "default-src 'self' file:; img-src 'self' file: data:; object-src 'none'; base-uri 'none'; form-action 'none'"

const LINKS = [
  ['guides', 'guides/index.html', 'Guides'],
  ['reference', 'reference/index.html', 'Reference'],
  ['playground', 'playground/index.html', 'Playground'],
  ['speed', 'guides/speed.html', 'How fast'],
]

/** The site's own links, as a page has them. */
export function links(path, here) {
  const root = '../'.repeat(path.split('/').length - 1)
  const current = (name) => (name === here ? ' aria-current="true"' : '')
  return LINKS.map(([name, to, text]) => `<a href="${root}${to}"${current(name)}>${text}</a>`).join('')
}

/** Groups of links, the present page marked. */
const menu = (groups, root, path) =>
  groups
    .map(
      ({ title, links }) =>
        `<h2>${escapeText(title)}</h2>\n<ul>${links
          .map(
            ([to, text]) =>
              `<li><a href="${root}${to}"${to === path ? ' aria-current="page"' : ''}>${escapeText(text)}</a></li>`,
          )
          .join('')}</ul>`,
    )
    .join('\n')

/**
 * @param {object} page
 * @param {string} page.path  from the site's root, with slashes
 * @param {string} page.title
 * @param {string} page.description
 * @param {string} page.body
 * @param {readonly { level: number, text: string, id: string }[]} page.headings
 * @param {readonly { title: string, links: readonly (readonly [string, string])[] }[]} groups
 */
export function layout({ path, title, description, body, headings }, groups) {
  const root = '../'.repeat(path.split('/').length - 1)
  const isHome = path === 'index.html'
  const here = path === 'guides/speed.html' ? 'speed' : path.startsWith('guides/') ? 'guides' : ''
  const own = headings.filter(({ level }) => level === 2 || level === 3)
  const contents = own
    .map(({ level, text, id }) => `<li class="level-${level}"><a href="#${id}">${escapeText(text)}</a></li>`)
    .join('')
  const aside =
    own.length > 2
      ? `<nav class="contents" aria-label="On this page"><h2>On this page</h2><ul>${contents}</ul></nav>`
      : ''
  const side = `<details class="side" open><summary>All pages</summary><nav aria-label="All pages">${menu(groups, root, path)}</nav></details>`
  return `<!doctype html>
<html lang="en" data-root="${root}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="color-scheme" content="light dark">
<meta name="description" content="${escapeText(description)}">
<title>${escapeText(isHome ? 'lanegrad: neural networks for every JavaScript runtime' : `${title} · lanegrad`)}</title>
<link rel="icon" href="${root}playground/icon.svg" type="image/svg+xml">
<script src="${root}assets/theme.js"></script>
<link rel="stylesheet" href="${root}assets/style.css">
<script src="${root}assets/site.js" defer></script>
</head>
<body${isHome ? ' class="home"' : ''}>
<a class="skip" href="#content">Skip to the content</a>
<header class="top">
<a class="brand" href="${root}index.html"><span class="mark" aria-hidden="true"></span>lanegrad</a>
<nav aria-label="Site">${links(path, here)}</nav>
<div class="tools">
<search class="search" hidden><input type="search" id="search" placeholder="Search" aria-label="Search guides and reference" autocomplete="off" spellcheck="false"><div class="results" hidden><p role="status"></p><ul></ul></div></search>
<button type="button" id="theme" hidden></button>
</div>
</header>
<div class="frame">
${side}
<main id="content" tabindex="-1">
${body}
</main>
${aside}
</div>
<footer><p>lanegrad is under the MIT license. These pages ask for nothing from other sites and keep nothing but the theme you chose.</p></footer>
</body>
</html>
`
}
