// Markdown to the HTML of a page: headings with GitHub's anchors, code with its colors, wide tables that scroll by themselves. Enters: a text, and
// what becomes of its links. Leaves: HTML, its title, its headings, and the text below each, for the search.
import hljs from 'highlight.js/lib/core'
import bash from 'highlight.js/lib/languages/bash'
import javascript from 'highlight.js/lib/languages/javascript'
import json from 'highlight.js/lib/languages/json'
import python from 'highlight.js/lib/languages/python'
import typescript from 'highlight.js/lib/languages/typescript'
import xml from 'highlight.js/lib/languages/xml'
import markdownIt from 'markdown-it'

for (const [name, language] of Object.entries({ bash, javascript, json, python, typescript, xml }))
  hljs.registerLanguage(name, language)

const anchorOf = (text) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_\- ]/gu, '')
    .replaceAll(' ', '-')

/**
 * @param {string} text
 * @param {(link: string) => string} linked  a link of the text, as the page has it
 */
export function render(text, linked) {
  const md = markdownIt({ html: true })
  md.options.highlight = (code, language) =>
    hljs.getLanguage(language) ? hljs.highlight(code, { language }).value : md.utils.escapeHtml(code)
  const { rules } = md.renderer
  for (const rule of ['fence', 'code_block']) {
    const plain = rules[rule]
    rules[rule] = (...args) => plain(...args).replace('<pre>', '<pre tabindex="0">')
  }
  let tables = 0
  rules.table_open = () =>
    `<div class="scroll" tabindex="0" role="region" aria-label="Table ${++tables}"><table>`
  rules.table_close = () => '</table></div>'
  // a first row without words is no head: a row of empty header cells would be read aloud
  rules.th_open = (tokens, i) => (tokens[i + 1].content === '' ? '<td>' : '<th scope="col">')
  rules.th_close = (tokens, i) => (tokens[i - 1].content === '' ? '</td>' : '</th>')

  const tokens = md.parse(text, {})
  const headings = []
  const sections = []
  const used = new Map()
  for (const [i, token] of tokens.entries()) {
    if (token.type === 'heading_open') {
      const own = tokens[i + 1].children.map(({ content }) => content).join('')
      const anchor = anchorOf(own)
      const count = used.get(anchor) ?? 0
      used.set(anchor, count + 1)
      const id = count ? `${anchor}-${count}` : anchor
      token.attrSet('id', id)
      headings.push({ level: Number(token.tag[1]), text: own, id })
      sections.push({ heading: own, id, text: '' })
    } else if (
      ['inline', 'fence', 'code_block'].includes(token.type) &&
      tokens[i - 1]?.type !== 'heading_open'
    )
      if (sections.length > 0) sections.at(-1).text += ` ${token.content}`
    for (const child of token.children ?? []) {
      const name = child.type === 'link_open' ? 'href' : child.type === 'image' ? 'src' : null
      if (name) child.attrSet(name, linked(child.attrGet(name)))
    }
  }
  const html = md.renderer
    .render(tokens, md.options, {})
    .replace(/<thead>\s*<tr>(?:\s*<td><\/td>)+\s*<\/tr>\s*<\/thead>/g, '')
  return { html, title: headings[0]?.text ?? '', headings, sections }
}
