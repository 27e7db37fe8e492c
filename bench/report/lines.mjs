// How a number grows with another: lines with their names at the right ends.
// Enters: series of points and a width. Leaves: a panel for a card. Lanegrad's lines are emphasized.
import * as Plot from '@observablehq/plot'
import { document, FONT, FONT_SIZE, panelOf, textWidth } from './card.mjs'
import { HUES, LIGHT } from './theme.mjs'

const LINE_HEIGHT = 16

/** @typedef {{ label: string, ours: boolean, points: { x: number, y: number }[] }} Line */

/**
 * @typedef {object} Lines
 * @property {Line[]} lines
 * @property {boolean} isLog  both axes
 * @property {Line} [limit]
 * @property {(y: number) => string} tick  how the axis writes a value
 * @property {string} xLabel
 */

/** @param {Lines} lines @param {number} width @param {string} [title] @returns {import('./card.mjs').Panel} */
export function linesPanel({ lines, isLog, limit, tick, xLabel }, width, title) {
  const height = 260
  const marginTop = 10
  const marginBottom = 40
  const peers = lines.filter(({ ours }) => !ours)
  const all = [
    ...(limit ? [{ ...limit, color: LIGHT.limit, dash: '5 3' }] : []),
    ...peers.map((line, i) => ({ ...line, color: HUES[i % HUES.length], dash: '' })),
    ...lines
      .filter(({ ours }) => ours)
      .map((line, i) => ({ ...line, color: LIGHT.ours, dash: ['', '7 4', '2 3', '9 3 2 3'][i % 4] })),
  ]
  const points = all.flatMap(({ points }) => points)
  const xs = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b)
  const ys = points.map(({ y }) => y)
  const yDomain = isLog ? [Math.min(...ys) * 0.8, Math.max(...ys) * 1.2] : [0, Math.max(...ys) * 1.05]
  const scale = (/** @type {number} */ y) => {
    const [low, high] = isLog ? yDomain.map(Math.log) : yDomain
    const share = ((isLog ? Math.log(y) : y) - low) / (high - low)
    return height - marginBottom - share * (height - marginBottom - marginTop)
  }
  const ends = all.map((line) => {
    const last = line.points.reduce((a, b) => (b.x > a.x ? b : a))
    return { ...line, ...last, at: scale(last.y), to: scale(last.y) }
  })
  spread(ends, marginTop + 6, height - marginBottom - 2)
  const yTicks = isLog ? powersWithin(yDomain) : linearTicks(yDomain[1])
  const marginLeft = Math.ceil(Math.max(...yTicks.map((y) => textWidth(tick(y), 12)))) + 10
  const marginRight = Math.ceil(Math.max(...ends.map(({ label }) => textWidth(label, 12)))) + 16
  const across = (/** @type {number} */ x) => {
    const [from, at, to] = [xs[0], x, xs[xs.length - 1]].map(isLog ? Math.log : Number)
    return ((at - from) / (to - from)) * (width - marginLeft - marginRight)
  }
  /** Those whose numbers have room, the last one among them; last first. @type {number[]} */
  const xTicks = []
  for (const x of [...xs].reverse()) {
    const next = xTicks.at(-1)
    const room = textWidth(`${x}${next ?? ''}`, 12) / 2 + 4
    if (next === undefined || across(next) - across(x) >= room) xTicks.push(x)
  }
  const plot = Plot.plot({
    document,
    width,
    height,
    marginLeft,
    marginRight,
    marginTop,
    marginBottom,
    x: { type: isLog ? 'log' : 'linear', domain: [xs[0], xs[xs.length - 1]], axis: null },
    y: { type: isLog ? 'log' : 'linear', domain: yDomain, axis: null },
    marks: [
      Plot.ruleY(yTicks, { stroke: LIGHT.line }),
      Plot.text(yTicks, {
        y: (/** @type {number} */ y) => y,
        text: tick,
        frameAnchor: 'left',
        textAnchor: 'end',
        dx: -8,
        fill: LIGHT.muted,
        fontSize: 12,
      }),
      Plot.text(xTicks, {
        x: (/** @type {number} */ x) => x,
        text: String,
        frameAnchor: 'bottom',
        dy: 16,
        fill: LIGHT.muted,
        fontSize: 12,
      }),
      Plot.text([xLabel], {
        text: (/** @type {string} */ text) => text,
        frameAnchor: 'bottom',
        dy: 34,
        fill: LIGHT.muted,
        fontSize: 12,
      }),
      ...all.flatMap(({ points, color, dash, ours }) => [
        Plot.line(points, {
          x: 'x',
          y: 'y',
          stroke: color,
          strokeWidth: ours ? 3 : 1.75,
          ...(dash && { strokeDasharray: dash }),
        }),
        ...(color === LIGHT.limit
          ? []
          : [Plot.dot(points, { x: 'x', y: 'y', r: ours ? 4 : 3, fill: color })]),
      ]),
      ...ends.map(({ x, y, at, to, label, color, ours }) =>
        Plot.text([label], {
          x: [x],
          y: [y],
          dx: 10,
          dy: to - at,
          text: [label],
          textAnchor: 'start',
          fill: color,
          fontSize: 12,
          fontWeight: ours ? 700 : 400,
        }),
      ),
    ],
    style: { fontSize: `${FONT_SIZE}px`, fontFamily: FONT },
  })
  return panelOf(plot, title)
}

/** Moves labels apart so that none covers another. @param {{ to: number }[]} ends @param {number} top @param {number} bottom */
function spread(ends, top, bottom) {
  const sorted = [...ends].sort((a, b) => a.to - b.to)
  let least = top
  for (const end of sorted) {
    end.to = Math.max(end.to, least)
    least = end.to + LINE_HEIGHT
  }
  let most = bottom
  for (const end of sorted.reverse()) {
    end.to = Math.min(end.to, most)
    most = end.to - LINE_HEIGHT
  }
}

/** Powers of ten, or 1, 2, 5 of them where there are few. @param {number[]} domain */
function powersWithin([low, high]) {
  const of = high / low > 100 ? [1] : [1, 2, 5]
  const ticks = []
  for (let power = 10 ** Math.floor(Math.log10(low)); power <= high; power *= 10)
    for (const n of of) if (n * power >= low && n * power <= high) ticks.push(n * power)
  return ticks
}

/** Whole numbers from 0, at most six steps. @param {number} high */
function linearTicks(high) {
  const step = Math.max(1, Math.ceil(high / 6))
  return Array.from({ length: Math.floor(high / step) + 1 }, (_, i) => i * step)
}
