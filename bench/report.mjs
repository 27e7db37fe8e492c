// From samples to what is read: rows for the JSON file, and a table for an 80-column terminal.
// Enters: milliseconds per call, one a round. Leaves: rows and lines of text. It never measures.

/**
 * @typedef {object} Row
 * @property {string} suite
 * @property {string} case
 * @property {string} subject
 * @property {string} unit  GFLOP/s or GB/s (more is better); ms, us, us/sample, MB or KB (less is better)
 * @property {number} median
 * @property {number} min
 * @property {number} max
 * @property {number} runs  rounds measured
 * @property {number | null} ratio  the subject's median (time) over lanegrad's; null where lanegrad did not run
 * @property {number | null} share  of the multiply-add limit; only for lanegrad, only where the flops are known
 * @property {number | null} x  threads or batch size in the suites that scale one of them
 * @property {string | null} series  in those suites, the line of a plot the row is a point of
 * @property {string | null} note  what is different about this subject here: SGD where the others have Adam
 */

/**
 * @typedef {object} Measured
 * @property {string} subject
 * @property {number[]} samplesMs  or, with unit MB or KB, amounts
 * @property {number} [flops]  of a call; bytes where the unit is GB/s
 * @property {number | null} [share]
 * @property {number | null} [x]
 * @property {string | null} [series]
 * @property {string | null} [note]
 */

/**
 * What --json writes.
 * @typedef {object} Result
 * @property {{ cpu: string, node: string, threads: number, date: string, load: number }} machine  threads: what the machine has; load: of
 *   other programs when it began, in cores
 * @property {string} command  that measured it
 * @property {Row[]} rows
 */

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
 * @param {Measured[]} measured
 * @returns {Row[]}
 */
export function rowsOf(suite, name, unit, measured) {
  const rows = measured.map(({ subject, samplesMs, flops = 0, ...more }) => {
    const values = samplesMs.map((ms) =>
      isRate(unit) ? flops / ms / 1e6 : unit.startsWith('us') ? ms * 1e3 : ms,
    )
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
      ratio: null,
      share: more.share ?? null,
      x: more.x ?? null,
      series: more.series ?? null,
      note: more.note ?? null,
    }
  })
  return withRatios(rows)
}

/** The rows of one case, compared with lanegrad's. @param {Row[]} rows @returns {Row[]} */
export function withRatios(rows) {
  const ours = rows.find((row) => row.subject === OURS)
  return rows.map((row) => ({ ...row, ratio: ours ? timeRatio(row, ours) : null }))
}

/** @param {Row} row @param {Row} ours */
const timeRatio = (row, ours) => (isRate(row.unit) ? ours.median / row.median : row.median / ours.median)

/** A text as lines of 80 columns at most. @param {string} text */
export const wrapped = (text) =>
  text.match(/.{1,78}(?:\s+|$)|\S{79,}/g)?.map((part, i) => (i ? `  ${part}` : part).trimEnd()) ?? []

/** Three significant digits, no exponent. @param {number} value */
export function short(value) {
  if (value >= 100) return value.toFixed(0)
  return value.toFixed(value >= 10 ? 1 : value >= 1 ? 2 : 3)
}

/** @param {number} share */
const percent = (share) => (share < 0.01 ? '<1%' : `${(100 * share).toFixed(0)}%`)

/** @param {string[]} cells */
const line = ([name, subject, ...numbers]) =>
  (name.padEnd(22) + subject.padEnd(18) + numbers.map((cell) => cell.padStart(8)).join('')).trimEnd()

/**
 * The last column is the share of the limit: best sample against the limit's best. The limit lives in registers and
 * feels other programs' load on the caches less than a product does, so medians would compare two kinds of noise.
 */
export const header = () => line(['case', 'subject', 'median', 'min', 'max', 'x ours', '% limit'])

/** @param {Row} row @param {Row | undefined} limit */
function shareText(row, limit) {
  if (row.share !== null) return percent(row.share)
  return limit && row.subject !== LIMIT ? percent(row.max / limit.max) : ''
}

/** The suites whose cases are in different units; the others' titles say theirs. */
const UNIT_VARIES = ['step', 'predict', 'threads']

/** The lines of one case, fastest first. @param {Row[]} rows */
export function caseLines(rows) {
  const higherIsFaster = isRate(rows[0].unit)
  const limit = rows.find((row) => row.subject === LIMIT)
  const sorted = [...rows].sort((a, b) => (higherIsFaster ? b.median - a.median : a.median - b.median))
  const unit = UNIT_VARIES.includes(rows[0].suite) ? ` ${rows[0].unit}` : ''
  const title = rows[0].case + (rows[0].suite === 'batch' ? ` b${rows[0].x}` : '') + unit
  return sorted.map((row, i) =>
    line([
      i ? '' : title,
      row.subject + (row.note ? ` (${row.note})` : ''),
      short(row.median),
      short(row.min),
      short(row.max),
      row.ratio === null ? '-' : short(row.ratio),
      shareText(row, limit),
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
  return ours.case.padEnd(40) + numbers.map((cell) => cell.padStart(8)).join('')
}

/** What was typed, without what is a place on this machine. @param {string[]} args */
export function commandOf(args) {
  const places = ['--json', '--report', '--node']
  const isPlace = (/** @type {string} */ arg) =>
    places.some((name) => arg === name || arg.startsWith(`${name}=`))
  const kept = args.filter((arg, i) => !isPlace(arg) && !places.includes(args[i - 1] ?? ''))
  return ['npm run bench', ...(kept.length ? ['--', ...kept] : [])].join(' ')
}

/** The text of a result's file: a row a line, so that a new measurement can be read beside the one before. @param {Result} result */
export function resultText({ rows, ...about }) {
  const head = JSON.stringify(about, null, 2).slice(0, -2)
  return `${head},\n  "rows": [\n${rows.map((row) => `    ${JSON.stringify(row)}`).join(',\n')}\n  ]\n}\n`
}
