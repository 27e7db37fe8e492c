// From samples to what is read: rows for the JSON file, and a table for an 80-column terminal.
// Enters: milliseconds per call, one a round. Leaves: rows and lines of text. It never measures.

/**
 * @typedef {object} Row
 * @property {string} suite
 * @property {string} case
 * @property {string} subject
 * @property {string} unit  GFLOP/s or GB/s (more is better), ms or us (less is better)
 * @property {number} median
 * @property {number} min
 * @property {number} max
 * @property {number} runs  rounds measured
 * @property {number | null} ratio  the subject's median time over lanegrad's; null where lanegrad did not run
 */

/** @typedef {{ subject: string, samplesMs: number[], flops?: number }} Measured */

export const OURS = 'lanegrad'
export const LIMIT = 'limit'

/** More is better. @param {string} unit */
const isRate = (unit) => unit === 'GFLOP/s' || unit === 'GB/s'

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * @param {string} suite @param {string} name @param {string} unit
 * @param {Measured[]} measured  with unit GFLOP/s or GB/s, `flops` is the work of one call
 * @returns {Row[]}
 */
export function rowsOf(suite, name, unit, measured) {
  const rows = measured.map(({ subject, samplesMs, flops = 0 }) => {
    const values = samplesMs.map((ms) => (isRate(unit) ? flops / ms / 1e6 : unit === 'us' ? ms * 1e3 : ms))
    const [low, high] = [Math.min(...values), Math.max(...values)]
    return {
      suite,
      case: name,
      subject,
      unit,
      median: median(values),
      min: low,
      max: high,
      runs: values.length,
    }
  })
  const ours = rows.find((row) => row.subject === OURS)
  return rows.map((row) => ({ ...row, ratio: ours ? timeRatio(row, ours) : null }))
}

/** @param {Omit<Row, 'ratio'>} row @param {Omit<Row, 'ratio'>} ours */
const timeRatio = (row, ours) => (isRate(row.unit) ? ours.median / row.median : row.median / ours.median)

/** Three significant digits, no exponent. @param {number} value */
export function short(value) {
  if (value >= 100) return value.toFixed(0)
  return value.toFixed(value >= 10 ? 1 : value >= 1 ? 2 : 3)
}

/** @param {number} share */
const percent = (share) => (share < 0.01 ? '<1%' : `${(100 * share).toFixed(0)}%`)

/** @param {string[]} cells */
const line = ([name, subject, ...numbers]) =>
  (name.padEnd(20) + subject.padEnd(17) + numbers.map((cell) => cell.padStart(8)).join('')).trimEnd()

/**
 * The last column is the share of the limit: best sample against the limit's best. The limit lives in registers and
 * feels other programs' load on the caches less than a product does, so medians would compare two kinds of noise.
 * @param {boolean} withShare
 */
export const header = (withShare) =>
  line(['case', 'subject', 'median', 'min', 'max', 'x ours', withShare ? '% limit' : ''])

/**
 * The lines of one case, fastest first.
 * @param {Row[]} rows
 * @param {(subject: string) => string} [note]  what to print behind a subject's name
 */
export function caseLines(rows, note = () => '') {
  const higherIsFaster = isRate(rows[0].unit)
  const limit = rows.find((row) => row.subject === LIMIT)
  const sorted = [...rows].sort((a, b) => (higherIsFaster ? b.median - a.median : a.median - b.median))
  return sorted.map((row, i) =>
    line([
      i ? '' : row.case + (higherIsFaster ? '' : ` (${row.unit})`),
      row.subject + note(row.subject),
      short(row.median),
      short(row.min),
      short(row.max),
      row.ratio === null ? '-' : short(row.ratio),
      limit && row.subject !== LIMIT ? percent(row.max / limit.max) : '',
    ]),
  )
}

/** The line of a case that only lanegrad runs, its unit in the place of the ratio. @param {Row[]} rows */
export function ownLine([ours, limit]) {
  const numbers = [
    short(ours.median),
    short(ours.min),
    short(ours.max),
    ours.unit,
    percent(ours.max / limit.max),
  ]
  return ours.case.padEnd(37) + numbers.map((cell) => cell.padStart(8)).join('')
}
