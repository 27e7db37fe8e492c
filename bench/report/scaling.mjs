// How training scales with threads and with the size of a batch: lines. Enters: rows of those suites. Leaves: pictures.
import { linesPanel } from './lines.mjs'
import { amount, groupBy, isOurs, isRate, nameOf, range, times, unitName } from './words.mjs'

/** @typedef {import('./words.mjs').Row} Row @typedef {import('./plots.mjs').Context} Context */
/** @typedef {import('./plots.mjs').Picture} Picture */

/** The rows of a scaling suite as lines, a panel for each case. @param {readonly Row[]} rows */
function linesOf(rows) {
  return Array.from(
    groupBy(rows, (row) => row.case),
    ([name, ofCase]) => ({
      name,
      unit: ofCase[0].unit,
      lines: Array.from(
        groupBy(ofCase, (row) => row.series ?? row.subject),
        ([series, some]) => ({
          label: nameOf(series),
          ours: isOurs(some[0].subject),
          rows: some.filter(({ x }) => x !== null).sort((a, b) => Number(a.x) - Number(b.x)),
        }),
      ).filter(({ rows }) => rows.length > 1),
    }),
  ).filter(({ lines }) => lines.length)
}

/** Beside each other where there is room. @param {number} width @param {number} count */
const columns = (width, count) => (width > 600 && count > 1 ? Math.floor(width / 2) : width)

/** @param {readonly Row[]} rows @param {Context} context @returns {Picture[]} */
export function threads(rows, { info }) {
  const cases = linesOf(rows).map(({ name, lines }) => ({
    name,
    lines: lines.map(({ rows: [first, ...more], ...line }) => ({
      ...line,
      points: [first, ...more].map((row) => ({
        x: Number(row.x),
        y: isRate(row.unit) ? row.median / first.median : first.median / row.median,
      })),
    })),
  }))
  const gains = cases.flatMap(({ name, lines }) =>
    lines.filter(({ ours }) => ours).flatMap(({ points }) => points.map(({ x, y }) => ({ name, x, y }))),
  )
  if (!gains.length) return []
  const most = Math.max(...gains.map(({ x }) => x))
  const ofMost = gains.filter(({ x }) => x === most)
  return [
    {
      name: 'threads',
      suite: 'threads',
      title: `${most} threads train ${range(
        ofMost.map(({ y }) => y),
        times,
      )} times as fast as one`,
      subtitle: 'Steps a second, as a multiple of those with one thread, more is better; medians',
      panels: (width) =>
        cases.map(({ name, lines }) => {
          const xs = lines.flatMap(({ points }) => points.map(({ x }) => x))
          const ideal = [Math.min(...xs), Math.max(...xs)].map((x) => ({ x, y: x }))
          return linesPanel(
            {
              lines: lines.map((line) => ({
                ...line,
                label: `${line.label} ${times(line.points.at(-1)?.y ?? 1)}×`,
              })),
              limit: { label: 'ideal', ours: false, points: ideal },
              isLog: false,
              tick: (y) => `${y}×`,
              xLabel: 'threads',
            },
            columns(width, cases.length),
            info(name).label,
          )
        }),
    },
  ]
}

/** @param {readonly Row[]} rows @returns {Picture[]} */
export function batch(rows) {
  const cases = linesOf(rows)
  if (!cases.length) return []
  const ours = cases[0].lines.find((line) => line.ours)?.rows
  const [first, last] = [ours?.[0], ours?.at(-1)]
  const unit = unitName(cases[0].unit)
  return [
    {
      name: 'batch',
      suite: 'batch',
      title:
        first && last
          ? `From ${amount(first.median, first.unit)} at batch size ${first.x} to ${amount(last.median, last.unit)} at ${last.x}`
          : 'The size of a batch and what it costs',
      subtitle: `Training, ${unit} by batch size, both on log scales, ${isRate(unit) ? 'more' : 'less'} is better; medians`,
      panels: (width) =>
        cases.map(({ name, lines }) =>
          linesPanel(
            {
              lines: lines.map(({ rows, ...line }) => ({
                ...line,
                points: rows.map(({ x, median }) => ({ x: Number(x), y: median })),
              })),
              isLog: true,
              tick: (y) => (y >= 1 ? y.toLocaleString('en') : String(Number(y.toPrecision(1)))),
              xLabel: 'batch size',
            },
            columns(width, cases.length),
            name,
          ),
        ),
    },
  ]
}
