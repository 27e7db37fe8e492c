// Amounts that need no limit beside them: memory, the time to start, the bytes to fetch. Enters: rows of those suites.
// Leaves: pictures.
import { OURS } from '../report.mjs'
import { barsPanel } from './bars.mjs'
import {
  amount,
  beside,
  fasterFirst,
  groupBy,
  isOurs,
  labelOf,
  nameOf,
  percent,
  range,
  times,
  unitName,
} from './words.mjs'

/** @typedef {import('./words.mjs').Row} Row @typedef {import('./plots.mjs').Context} Context */
/** @typedef {import('./plots.mjs').Picture} Picture */

/** @param {readonly Row[]} rows @param {string[]} peers */
function smaller(rows, peers) {
  const peer = peers.find((name) => rows.some(({ subject }) => subject === name))
  const ratios = rows.flatMap(({ subject, ratio }) => (subject === peer && ratio ? ratio : []))
  return peer && ratios.length
    ? `${nameOf(peer)} is ${range(ratios, times)} times as large as lanegrad`
    : 'Bytes to fetch'
}

/**
 * Amounts in groups, the least first if sorted.
 * @param {readonly Row[]} rows @param {Context['info']} info @param {'linear' | 'group'} scale @param {boolean} [isSorted]
 */
function amountBars(rows, info, scale, isSorted = true) {
  const groups = Array.from(
    groupBy(rows, (row) => row.case),
    ([name, ofCase]) => ({
      heading: info(name).label,
      bars: (isSorted ? [...ofCase].sort(fasterFirst) : ofCase).map((row) => ({
        label: labelOf(row),
        value: row.median,
        text: amount(row.median, row.unit),
        ours: isOurs(row.subject),
      })),
    }),
  )
  return (/** @type {number} */ width, heading = '') => [
    barsPanel(
      { groups, scale, ...(scale === 'linear' && { tick: (value) => String(Number(value.toPrecision(4))) }) },
      width,
      heading,
    ),
  ]
}

const BOUND = 'live bytes bound'

/** @param {readonly Row[]} rows @param {Context} context @returns {Picture[]} */
export function memory(rows, { info }) {
  const isGrowth = (/** @type {Row} */ row) => row.case.endsWith(' rss')
  const growth = rows.filter(isGrowth)
  const arenas = rows.filter((row) => !isGrowth(row))
  const over = Array.from(groupBy(arenas, (row) => row.case)).flatMap(([, ofCase]) => {
    const arena = ofCase.find(({ subject }) => subject === OURS)
    const bound = ofCase.find(({ subject }) => subject === BOUND)
    return arena && bound ? arena.median / bound.median - 1 : []
  })
  const named = arenas.map((row) => ({
    ...row,
    series: { [OURS]: 'arena', [BOUND]: null }[row.subject] ?? row.series,
    subject: row.subject === BOUND ? 'the least possible' : row.subject,
  }))
  const grown = growth.map((row) => ({ ...row, case: row.case.slice(0, -' rss'.length) }))
  return [
    ...(arenas.length
      ? [
          {
            name: 'memory',
            suite: 'memory',
            title: over.every((share) => share < 0.005)
              ? 'The arena is as small as what must be alive at once'
              : `The arena is at most ${percent(Math.max(...over))} larger than what must be alive at once`,
            subtitle: 'A model in training, each net on a scale of its own, less is better',
            panels: amountBars(named, info, 'group', false),
          },
        ]
      : []),
    ...(growth.length
      ? [
          {
            name: 'memory-process',
            suite: 'memory',
            title: 'How much a process grows from the import to the third training step',
            subtitle: 'Resident memory, each net on a scale of its own, less is better; medians',
            panels: amountBars(grown, info, 'group'),
          },
        ]
      : []),
  ]
}

/** @param {readonly Row[]} rows @param {Context} context @returns {Picture[]} */
export function start(rows, { info }) {
  // what only we are measured at is no race: a panel of its own
  const isOwn = (/** @type {Row} */ row) =>
    rows.every(({ case: name, subject }) => name !== row.case || isOurs(subject))
  const own = rows.filter(isOwn)
  const shared = rows.filter((row) => !isOwn(row))
  return [
    {
      name: 'start',
      suite: 'start',
      title: beside(rows, 'starts', 'as fast as', ['tfjs-wasm', 'onnxruntime-web', 'tfjs-cpu']),
      subtitle: 'Of fresh processes, less is better; medians',
      panels: (width) => [
        ...(shared.length ? amountBars(shared, info, 'linear')(width, 'CPU time, ms') : []),
        ...(own.length ? amountBars(own, info, 'linear')(width, 'lanegrad alone, ms') : []),
      ],
    },
  ]
}

/** @param {readonly Row[]} rows @param {Context} context @returns {Picture[]} */
export const size = (rows, { info }) => [
  {
    name: 'size',
    suite: 'size',
    title: smaller(rows, ['tfjs-wasm', 'onnxruntime-web', 'tfjs-cpu']),
    subtitle: `What a browser fetches, ${unitName(rows[0].unit)} gzipped, less is better`,
    panels: amountBars(rows, info, 'linear'),
  },
]
