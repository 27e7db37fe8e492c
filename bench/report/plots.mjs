// What the report shows: each picture's title, units and panels. Enters: the rows of a result. Leaves: pictures that
// can be drawn at any width; a suite that was not run has none. Titles say what is seen, by the numbers at hand.
import { LIMIT, OURS } from '../report.mjs'
import { memory, size, start } from './amounts.mjs'
import { barsPanel } from './bars.mjs'
import { batch, threads } from './scaling.mjs'
import { HUES } from './theme.mjs'
import {
  amount,
  beside,
  fasterFirst,
  groupBy,
  isOurs,
  labelOf,
  nameOf,
  ofOneVersion,
  percent,
  range,
  shareOf,
  times,
  versionsOf,
} from './words.mjs'

/** @typedef {import('./words.mjs').Row} Row */
/** @typedef {{ label: string }} CaseInfo  what a case is called, e.g. with its batch size */

/**
 * @typedef {object} Picture
 * @property {string} name  of its file
 * @property {string} suite
 * @property {string} title
 * @property {string} subtitle
 * @property {{ label: string, color: string }[]} [legend]
 * @property {(width: number) => import('./card.mjs').Panel[]} panels
 */

/** @typedef {{ all: readonly Row[], info: (name: string) => CaseInfo }} Context */

const rangeOfShares = (/** @type {number[]} */ shares) => range(shares, percent)

/** Times beside ours, on a log scale of ratios. @param {readonly Row[]} rows @param {Context['info']} info */
function ratioBars(rows, info) {
  const groups = Array.from(
    groupBy(rows, (row) => row.case),
    ([name, ofCase]) => {
      const bars = [...ofCase].sort(fasterFirst).map((row) => ({
        label: labelOf(row),
        value: row.ratio ?? 1,
        text:
          amount(row.median, row.unit) +
          (row.subject === OURS || !row.ratio ? '' : ` (${times(row.ratio)}×)`),
        ours: isOurs(row.subject),
      }))
      return { heading: info(name).label, bars }
    },
  )
  return (/** @type {number} */ width) => [
    barsPanel({ groups, scale: 'log', tick: (value) => `${value}×` }, width),
  ]
}

const RATIO_SUBTITLE = 'Times as long as lanegrad, log scale, less is better; medians'

/** @param {readonly Row[]} rows @param {Context} context @returns {Picture[]} */
function step(rows, { all, info }) {
  /** @type {Picture[]} */
  const pictures = [
    {
      name: 'step',
      suite: 'step',
      title: beside(rows, 'trains', 'as fast as', ['tfjs-wasm', 'tfjs-cpu', 'plain-js']),
      subtitle: RATIO_SUBTITLE,
      panels: ratioBars(rows, info),
    },
  ]
  const versions = versionsOf(all)
  if (versions.length > 1) {
    const ours = all.filter(({ subject }) => isOurs(subject))
    const groups = Array.from(
      groupBy(ours, (row) => row.case),
      ([name, ofCase]) => ({
        heading: info(name).label,
        bars: ofCase.map((row) => ({
          label: `Node ${row.node}${row.subject === OURS ? '' : `, ${nameOf(row.subject).replace(/^lanegrad /, '')}`}`,
          value: row.median,
          text: amount(row.median, row.unit),
          ours: true,
        })),
      }),
    )
    pictures.push({
      name: 'step-node',
      suite: 'step',
      title: `The same training steps on Node ${versions.join(', ')}`,
      subtitle: 'Time of a step, each net on a scale of its own, less is better; medians',
      panels: (width) => [barsPanel({ groups, scale: 'group' }, width)],
    })
  }
  const shares = shareBars(rows, info)
  if (shares.values.length)
    pictures.push({
      name: 'step-share',
      suite: 'step',
      title: `Training steps reach up to ${percent(Math.max(...shares.values))} of the machine's limit`,
      subtitle: 'Arithmetic of a step against f32x4 mul and add that never leave the registers, one thread',
      panels: (width) => [barsPanel(shares.bars, width)],
    })
  return pictures
}

/** Shares of ours; those of peers as dots. @param {readonly Row[]} rows @param {Context['info']} info @param {string} limit */
function shareBars(rows, info, limit = 'the limit') {
  const peers = [...new Set(rows.map(({ subject }) => subject))].filter(
    (name) => !isOurs(name) && name !== LIMIT,
  )
  const bars = Array.from(groupBy(rows, (row) => row.case)).flatMap(([name, ofCase]) => {
    const dots = peers.flatMap((peer, i) => {
      const row = ofCase.find(({ subject }) => subject === peer)
      const value = row && shareOf(row, ofCase)
      return typeof value === 'number' ? { value, color: HUES[i % HUES.length], peer } : []
    })
    return ofCase
      .filter(({ subject }) => isOurs(subject))
      .flatMap((row) => {
        const value = shareOf(row, ofCase)
        const variant = row.subject === OURS ? '' : `, ${nameOf(row.subject).replace(/^lanegrad /, '')}`
        return value === null
          ? []
          : {
              label: info(name).label + variant,
              value,
              text: percent(value),
              ours: true,
              dots: variant ? [] : dots,
            }
      })
  })
  const seen = new Set(bars.flatMap(({ dots }) => dots.map(({ peer }) => peer)))
  return {
    values: bars.map(({ value }) => value),
    legend: peers.flatMap((peer, i) =>
      seen.has(peer) ? { label: nameOf(peer), color: HUES[i % HUES.length] } : [],
    ),
    bars: /** @type {import('./bars.mjs').Bars} */ ({
      groups: [{ heading: '', bars }],
      scale: 'linear',
      mark: { value: 1, label: limit },
      tick: percent,
    }),
  }
}

/** @param {readonly Row[]} rows @param {Context} context @returns {Picture[]} */
function matmul(rows, { info }) {
  const { values, legend, bars } = shareBars(rows, info)
  if (!values.length) return []
  return [
    {
      name: 'matmul',
      suite: 'matmul',
      title: `Matrix products reach ${rangeOfShares(values)} of the machine's limit`,
      subtitle:
        'Share of f32x4 mul and add that never leave the registers, m x k x n, one thread, more is better',
      legend,
      panels: (width) => [barsPanel(bars, width)],
    },
  ]
}

/** @param {readonly Row[]} rows @param {Context} context @returns {Picture[]} */
function ops(rows, { info }) {
  const kinds = Array.from(
    groupBy(rows, ({ unit }) => unit),
    ([unit, some]) => ({
      unit,
      ...shareBars(some, info, unit === 'GB/s' ? 'a copy' : 'multiply and add'),
    }),
  ).filter(({ values }) => values.length)
  if (!kinds.length) return []
  const all = kinds.flatMap(({ values }) => values).sort((a, b) => a - b)
  return [
    {
      name: 'ops',
      suite: 'ops',
      title: `Operations reach ${rangeOfShares(all)} of the limit, half of them more than ${percent(all[all.length >> 1])}`,
      subtitle: 'Arithmetic against f32x4 mul and add in registers, movement against a copy of as many bytes',
      panels: (width) =>
        kinds.map(({ unit, bars }) =>
          barsPanel(
            bars,
            width,
            unit === 'GB/s' ? 'Movement, share of GB/s' : 'Arithmetic, share of GFLOP/s',
          ),
        ),
    },
  ]
}

/** @param {readonly Row[]} rows @param {Context} context @returns {Picture[]} */
const predict = (rows, { info }) => [
  {
    name: 'predict',
    suite: 'predict',
    title: beside(rows, 'predicts', 'as fast as', ['onnxruntime-web', 'tfjs-wasm', 'tfjs-cpu']),
    subtitle: RATIO_SUBTITLE,
    panels: ratioBars(rows, info),
  },
]

const SUITES = { step, predict, matmul, ops, threads, batch, memory, start, size }

/**
 * @param {readonly Row[]} rows @param {import('./words.mjs').Machine} machine @param {Context['info']} info
 * @returns {Picture[]}
 */
export function picturesOf(rows, machine, info) {
  return Object.entries(SUITES).flatMap(([name, make]) => {
    const all = rows.filter(({ suite }) => suite === name)
    const some = ofOneVersion(all, machine)
    return some.length ? make(some, { all, info }) : []
  })
}
