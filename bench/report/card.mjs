// The card that holds one or more panels: title, what is counted, the panels, where it was measured.
// Enters: SVG elements as Observable Plot makes them. Leaves: the text of one SVG, with its own background, so that it
// looks right on any page. There is no font to measure here: widths of text are estimates with room to spare.
import { parseHTML } from 'linkedom'
import { LIGHT, plotStyle } from './theme.mjs'

export const { document } = parseHTML('<!doctype html><html><body></body></html>')

export const FONT = 'system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif'
export const FONT_SIZE = 13
export const PADDING = 16

/** @typedef {{ svg: Element, width: number, height: number, heading?: string }} Panel */

/** @param {string} text @param {number} [size] of the font, pixels @param {boolean} [isBold] */
export const textWidth = (text, size = FONT_SIZE, isBold = false) =>
  text.length * size * (isBold ? 0.66 : 0.6)

/** @param {string} text */
export const escapeText = (text) =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c] ?? c)

/** Lines no wider than `width`. @param {string} text @param {number} size @param {number} width */
function wrap(text, size, width) {
  /** @type {string[]} */
  const lines = []
  const longest = Math.floor(width / textWidth('m', size))
  for (const word of text
    .split(' ')
    .flatMap((word) => word.match(new RegExp(`.{1,${longest}}`, 'g')) ?? [])) {
    const longer = `${lines.at(-1)} ${word}`
    if (lines.length && textWidth(longer, size) <= width) lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return lines
}

/**
 * @typedef {object} CardText
 * @property {string} title
 * @property {string} subtitle  units, and which way is better
 * @property {{ label: string, color: string }[]} [legend]
 * @property {string} source  machine and command
 */

/**
 * @param {CardText} text
 * @param {Panel[]} panels  as many beside each other as fit
 * @param {number} width
 * @param {boolean} isAlone  a file of its own, which brings the colors of the dark theme along
 */
export function card({ title, subtitle, legend = [], source }, panels, width, isAlone) {
  const inner = width - 2 * PADDING
  const parts = []
  let y = PADDING
  const write = (/** @type {string} */ text, /** @type {number} */ size, /** @type {string} */ look) => {
    for (const line of wrap(text, size, inner)) {
      y += Math.round(size * 1.35)
      parts.push(`<text x="${PADDING}" y="${y - 4}" font-size="${size}" ${look}>${escapeText(line)}</text>`)
    }
  }
  write(title, width < 500 ? 15 : 17, `font-weight="650" fill="${LIGHT.ink}"`)
  y += 3
  write(subtitle, FONT_SIZE, `fill="${LIGHT.muted}"`)
  if (legend.length) y += 22
  let x = PADDING
  for (const { label, color } of legend) {
    const length = 14 + textWidth(label, 12) + 12
    if (x + length > width && x > PADDING) {
      x = PADDING
      y += 18
    }
    parts.push(
      `<circle cx="${x + 5}" cy="${y - 8}" r="4" fill="${LIGHT.card}" stroke="${color}" stroke-width="2"/>`,
      `<text x="${x + 14}" y="${y - 4}" font-size="12" fill="${LIGHT.muted}">${escapeText(label)}</text>`,
    )
    x += length
  }
  y += 8
  x = PADDING
  let rowHeight = 0
  for (const { svg, width: panelWidth, height, heading } of panels) {
    if (x + panelWidth > width - PADDING + 1) {
      x = PADDING
      y += rowHeight
      rowHeight = 0
    }
    const top = heading ? 26 : 0
    if (heading)
      parts.push(
        `<text x="${x}" y="${y + 18}" font-size="${FONT_SIZE}" font-weight="600" fill="${LIGHT.muted}">${escapeText(heading)}</text>`,
      )
    parts.push(`<g transform="translate(${x},${y + top})">${svg.innerHTML}</g>`)
    x += panelWidth
    rowHeight = Math.max(rowHeight, height + top + 8)
  }
  y += rowHeight
  write(source, 11, `fill="${LIGHT.muted}"`)
  const height = Math.ceil(y + PADDING - 4)
  const style = isAlone ? `<style>${plotStyle('')}</style>` : ''
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
    `role="img" aria-label="${escapeText(title)}" font-family="${FONT}" font-size="${FONT_SIZE}" text-anchor="start">${style}` +
    `<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10" fill="${LIGHT.card}" stroke="${LIGHT.line}"/>` +
    `${parts.join('')}</svg>\n`
  )
}

/** A panel of a plot; `innerHTML` of it is what the card takes. @param {Element} plot @param {string} [heading] @returns {Panel} */
export function panelOf(plot, heading) {
  plot.querySelector('style')?.remove()
  // names of groups, which only elements with a role may have; the card as a whole has one
  for (const mark of plot.querySelectorAll('g[aria-label]')) mark.removeAttribute('aria-label')
  // the card has no root with these attributes of the plot's
  const group = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  const inner = document.createElementNS('http://www.w3.org/2000/svg', 'g')
  inner.setAttribute('text-anchor', 'middle')
  inner.append(...plot.childNodes)
  group.append(inner)
  return {
    svg: group,
    width: Number(plot.getAttribute('width')),
    height: Number(plot.getAttribute('height')),
    heading,
  }
}
