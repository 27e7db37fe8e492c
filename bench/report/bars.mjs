// Values as bars, or as dots on a log scale, in groups below each other, the label of each at the left and its number
// at the right; where there is little room, both above it. Enters: groups of bars and a width. Leaves: a panel for a
// card. Lanegrad's are emphasized.
import * as Plot from '@observablehq/plot'
import { document, FONT, FONT_SIZE, panelOf, textWidth } from './card.mjs'
import { LIGHT } from './theme.mjs'

const HEAD_HEIGHT = 30
/** The measures of a row: its height, the bar's, where their middles are, and how narrow a panel has to be to have labels above. */
const BESIDE = { row: 21, bar: 15, barAt: 10.5, textAt: 10.5 }
const ABOVE = { row: 34, bar: 9, barAt: 25, textAt: 11, below: 500 }
/** Keeps lines off the text. */
const HALO = { stroke: LIGHT.card, strokeWidth: 5 }

/**
 * @typedef {object} Bar
 * @property {string} label
 * @property {number} value
 * @property {string} text  its number, as it is written
 * @property {boolean} ours
 * @property {{ value: number, color: string }[]} [dots]  the values of others
 */

/** @typedef {{ heading: string, bars: Bar[] }} Group  heading: '' for none */

/**
 * @typedef {object} Bars
 * @property {Group[]} groups
 * @property {'log' | 'linear' | 'group'} scale  log: dots on stems from 1; group: each group's longest bar is full
 * @property {{ value: number, label: string }} [mark]  a line across all
 * @property {(value: number) => string} [tick]  how the axis writes a value; without it there is no axis
 */

/** The groups below each other. @param {Group[]} groups @param {Bars['scale']} scale @param {number} rowHeight */
function stacked(groups, scale, rowHeight) {
  /** @type {{ heading: string, y: number }[]} */
  const heads = []
  let bottom = 0
  const bars = groups.flatMap(({ heading, bars }) => {
    const full = scale === 'group' ? Math.max(...bars.map(({ value }) => value)) : 1
    if (heading) {
      heads.push({ heading, y: bottom + HEAD_HEIGHT - 9 })
      bottom += HEAD_HEIGHT
    }
    return bars.map((bar) => {
      bottom += rowHeight
      return { dots: [], ...bar, top: bottom - rowHeight, at: bar.value / full }
    })
  })
  return { heads, bars, bottom }
}

/** @param {Bars} bars @param {number} width @param {string} [title] @returns {import('./card.mjs').Panel} */
export function barsPanel({ groups, scale, mark, tick }, width, title) {
  const isLog = scale === 'log'
  const isAbove = width < ABOVE.below
  const { row, bar: thickness, barAt, textAt } = isAbove ? ABOVE : BESIDE
  const { heads, bars, bottom } = stacked(groups, scale, row)
  const dots = bars.flatMap(({ top, dots }) => dots.map((dot) => ({ ...dot, top })))
  const values = [
    ...bars.map(({ at }) => at),
    ...dots.map(({ value }) => value),
    ...(mark ? [mark.value] : []),
  ]
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const domain = isLog ? [Math.min(0.8, low * 0.85), Math.max(2, high)] : [0, high]
  const from = isLog ? 1 : 0

  const longest = (/** @type {string[]} */ texts) =>
    Math.max(...texts.map((text) => textWidth(text, FONT_SIZE, true)))
  const marginLeft = isAbove ? 14 : Math.ceil(longest(bars.map(({ label }) => label))) + 8
  const marginRight = isAbove ? 18 : Math.ceil(longest(bars.map(({ text }) => text))) + 12
  const marginTop = mark ? 20 : 4
  const marginBottom = tick ? 22 : 4
  const ticks = tick ? (isLog ? powers : steps)(domain, width - marginLeft - marginRight) : []

  /** @typedef {typeof bars[0]} Placed */
  const color = (/** @type {Bar} */ { ours }) => (ours ? LIGHT.ours : LIGHT.peer)
  const barY = (/** @type {{ top: number }} */ { top }) => top + barAt
  const textY = (/** @type {{ top: number }} */ { top }) => top + textAt
  const furthest = (/** @type {Placed} */ { at, dots }) =>
    Math.max(at, from, ...dots.map(({ value }) => value))
  const atLeft = {
    ...HALO,
    frameAnchor: /** @type {const} */ ('left'),
    textAnchor: /** @type {const} */ ('start'),
    dx: -marginLeft,
  }
  const number = isAbove
    ? {
        frameAnchor: /** @type {const} */ ('right'),
        textAnchor: /** @type {const} */ ('end'),
        dx: marginRight,
      }
    : { x: furthest, textAnchor: /** @type {const} */ ('start'), dx: isLog ? 11 : 8 }
  const texts = [true, false].flatMap((ours) => {
    const some = bars.filter((bar) => bar.ours === ours)
    const look = ours ? { fill: LIGHT.ours, fontWeight: 700 } : { fill: LIGHT.ink }
    return [
      Plot.text(some, { ...atLeft, ...look, y: textY, text: 'label' }),
      Plot.text(some, { ...HALO, ...number, ...look, y: textY, text: 'text' }),
    ]
  })
  const small = { fill: LIGHT.muted, fontSize: 12 }
  const plot = Plot.plot({
    document,
    width,
    height: marginTop + marginBottom + bottom,
    marginLeft,
    marginRight,
    marginTop,
    marginBottom,
    x: { type: isLog ? 'log' : 'linear', domain, axis: null },
    y: { type: 'linear', domain: [0, bottom], reverse: true, axis: null },
    marks: [
      Plot.ruleX(ticks, { stroke: LIGHT.line }),
      Plot.text(ticks, {
        x: (/** @type {number} */ value) => value,
        text: tick ?? String,
        frameAnchor: 'bottom',
        dy: 16,
        ...small,
      }),
      isLog
        ? Plot.ruleY(bars, { x1: from, x2: 'at', y: barY, stroke: color, strokeWidth: 2.5 })
        : Plot.rect(bars, {
            x1: from,
            x2: 'at',
            y1: (/** @type {Placed} */ bar) => barY(bar) - thickness / 2,
            y2: (/** @type {Placed} */ bar) => barY(bar) + thickness / 2,
            fill: color,
            rx: 2,
          }),
      ...(mark
        ? [Plot.ruleX([mark.value], { stroke: LIGHT.limit, strokeWidth: 1.5, strokeDasharray: '5 3' })]
        : []),
      ...(isLog ? [Plot.dot(bars, { x: 'at', y: barY, r: 5.5, fill: color })] : []),
      Plot.dot(dots, { x: 'value', y: barY, r: 4, fill: LIGHT.card, stroke: 'color', strokeWidth: 2 }),
      ...texts,
      Plot.text(heads, { ...atLeft, y: 'y', text: 'heading', fill: LIGHT.muted, fontWeight: 600 }),
      ...(mark
        ? [
            Plot.text([mark], {
              ...small,
              fill: LIGHT.limit,
              x: 'value',
              text: 'label',
              frameAnchor: 'top',
              dy: -9,
              textAnchor: mark.value > (domain[0] + domain[1]) / 2 ? 'end' : 'start',
            }),
          ]
        : []),
    ],
    style: { fontSize: `${FONT_SIZE}px`, fontFamily: FONT },
  })
  return panelOf(plot, title)
}

/** Powers of ten. @param {number[]} domain */
function powers([low, high]) {
  const ticks = []
  for (let tick = 10 ** Math.ceil(Math.log10(low)); tick <= high; tick *= 10) ticks.push(tick)
  return ticks
}

/** Round numbers from 0, some 60 pixels apart. @param {number[]} domain @param {number} pixels */
function steps([, high], pixels) {
  const least = (high * 60) / pixels
  const power = 10 ** Math.floor(Math.log10(least))
  const step = power * ([1, 2, 2.5, 5].find((n) => n * power >= least) ?? 10)
  return Array.from({ length: Math.floor(high / step + 1e-9) + 1 }, (_, i) => i * step)
}
