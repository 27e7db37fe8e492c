// Names and numbers as the report writes them, and which rows of a result belong to a picture.
import { LIMIT, short } from '../report.mjs'

/** @typedef {import('../report.mjs').Row & { node: string }} Row  node: the version it was measured in */
/** @typedef {import('../report.mjs').Result['machine']} Machine */

const NAMES = {
  pytorch: 'PyTorch, native',
  'tfjs-wasm': 'TensorFlow.js wasm',
  'tfjs-cpu': 'TensorFlow.js cpu',
  convnetjs: 'ConvNetJS',
  'plain-js': 'plain JS',
}

/**
 * Rows with the version of Node that the bench wrote behind the names of other versions' subjects: `lanegrad @24.1.0`.
 * @param {readonly import('../report.mjs').Row[]} rows @param {Machine} machine @returns {Row[]}
 */
export const rowsOf = (rows, machine) =>
  rows.map((row) => {
    const [subject, node = machine.node] = row.subject.split(' @')
    return { node, ...row, subject, series: row.series?.split(' @')[0] ?? null }
  })

/** @param {string} subject */
export const isOurs = (subject) => subject.startsWith('lanegrad')

/** @param {string} subject */
export function nameOf(subject) {
  const known = Object.entries(NAMES).find(([key]) => subject.startsWith(key))
  return known
    ? `${known[1]}${subject.slice(known[0].length).replaceAll('-', ' ')}`
    : subject.replace(/^lanegrad-/, 'lanegrad ')
}

/** @param {Row} row */
export function labelOf({ subject, series, x, note }) {
  if (subject === LIMIT) return 'the limit'
  // where a row is a point of a line, the series is the subject without its number of threads
  const isPoint = series !== null && x !== null
  const name = nameOf(isPoint ? series : subject)
  const part = !isPoint && series && series !== subject ? `, ${series}` : ''
  return name + part + (note ? ` (${note})` : '')
}

/** More is better. @param {string} unit */
export const isRate = (unit) => unit.endsWith('/s')

/** @param {string} unit */
export const unitName = (unit) => unit.replace(/^us\b/, 'µs')

/** Times in the unit that needs fewest digits. @param {number} value @param {string} unit @returns {string} */
export function amount(value, unit) {
  if (unit === 'us' && value >= 1000) return amount(value / 1000, 'ms')
  if (unit === 'ms' && value >= 10_000) return amount(value / 1000, 's')
  return `${short(value)} ${unitName(unit)}`
}

/** How many times: 0.92, 2.1, 12. @param {number} ratio */
export const times = (ratio) => (ratio >= 9.95 ? ratio.toFixed(0) : ratio.toFixed(ratio < 0.995 ? 2 : 1))

/** @param {number} share */
export const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.01 ? 1 : 0)} %`

/** `2.1 to 12`, or one of them where both are the same. @param {number[]} values @param {(value: number) => string} write */
export function range(values, write) {
  const [low, high] = [write(Math.min(...values)), write(Math.max(...values))]
  return low === high ? low : `${low.replace(/ %$/, '')} to ${high}`
}

/** @template T @param {readonly T[]} list @param {(item: T) => string} key @returns {Map<string, T[]>} in order of appearance */
export function groupBy(list, key) {
  const groups = new Map()
  for (const item of list) {
    const name = key(item)
    const group = groups.get(name)
    if (group) group.push(item)
    else groups.set(name, [item])
  }
  return groups
}

/** Version numbers, lowest first. @param {readonly Row[]} rows */
export const versionsOf = (rows) =>
  [...new Set(rows.map(({ node }) => node))].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))

/** The rows of one version of Node: the machine's own, or else the newest. @param {readonly Row[]} rows @param {Machine} machine */
export function ofOneVersion(rows, machine) {
  const versions = versionsOf(rows)
  const version = versions.includes(machine.node) ? machine.node : versions.at(-1)
  return rows.filter(({ node }) => node === version)
}

/**
 * Its share of the measured limit. Best against best where only the limit's row tells it: the limit lives in registers
 * and feels other programs' load less than what uses the caches.
 * @param {Row} row @param {readonly Row[]} ofCase
 */
export function shareOf(row, ofCase) {
  if (typeof row.share === 'number') return row.share
  const limit = ofCase.find(({ subject, unit }) => subject === LIMIT && unit === row.unit)
  return limit && row !== limit && isRate(row.unit) ? row.max / limit.max : null
}

export const fasterFirst = (/** @type {Row} */ a, /** @type {Row} */ b) =>
  isRate(a.unit) ? b.median - a.median : a.median - b.median

/**
 * `lanegrad trains 12 to 80 times as fast as TensorFlow.js wasm`, of the first peer that was measured.
 * @param {readonly Row[]} rows @param {string} what @param {string} as @param {string[]} peers
 */
export function beside(rows, what, as, peers) {
  const peer = peers.find((name) => rows.some(({ subject }) => subject === name))
  const ratios = rows.flatMap(({ subject, ratio }) => (subject === peer && ratio ? ratio : []))
  if (!peer || !ratios.length) return `How ${as.split(' ')[1]} lanegrad ${what}`
  return `lanegrad ${what} ${range(ratios, times)} times ${as} ${nameOf(peer)}`
}

/** @param {Machine} machine */
export const machineLine = ({ cpu, node, threads, date }) =>
  `${cpu}, ${threads} ${threads === 1 ? 'thread' : 'threads'}; Node ${node}; ${date.slice(0, 10)}`
