// The report's page: every picture at two widths, one for wide and one for narrow screens, and the numbers below.
// Enters: drawn pictures and rows. Leaves: one HTML file that needs nothing else.
import { LIMIT, OURS, short } from '../report.mjs'
import { escapeText } from './card.mjs'
import { PAGE_STYLE } from './theme.mjs'
import { groupBy, isOurs, labelOf, machineLine, percent, shareOf, times, unitName } from './words.mjs'

/** @typedef {import('./words.mjs').Row} Row */

/** Longer tables are folded up. */
const OPEN_ROWS = 48

/** From this load on the page says so. */
const BUSY = 0.5

const TITLES = {
  step: 'Training steps',
  predict: 'Predictions',
  matmul: 'Matrix products',
  ops: 'Operations',
  threads: 'Threads',
  batch: 'Batch size',
  finetune: 'Pretrained nets',
  memory: 'Memory',
  start: 'Start',
  size: 'Size',
}

/** @param {string} suite */
const titleOf = (suite) => /** @type {Record<string, string>} */ (TITLES)[suite] ?? suite

/** @param {readonly Row[]} rows */
function table(rows) {
  const cases = groupBy(rows, (row) => row.case)
  const any = (/** @type {(row: Row) => unknown} */ of) => rows.some((row) => of(row))
  /** @type {{ head: string, cell: (row: Row, ofCase: readonly Row[]) => string, isText?: boolean }[]} */
  const columns = [
    { head: 'case', cell: (row) => row.case, isText: true },
    {
      head: 'subject',
      cell: labelOf,
      isText: true,
    },
    ...(any(({ node }) => node !== rows[0].node)
      ? [{ head: 'Node', cell: (/** @type {Row} */ { node }) => node }]
      : []),
    ...(any(({ x }) => x !== null && x !== undefined)
      ? [
          {
            head: rows[0].suite === 'batch' ? 'batch' : 'threads',
            cell: (/** @type {Row} */ { x }) => String(x ?? ''),
          },
        ]
      : []),
    { head: 'median', cell: ({ median }) => short(median) },
    { head: 'min', cell: ({ min }) => short(min) },
    { head: 'max', cell: ({ max }) => short(max) },
    { head: 'unit', cell: ({ unit }) => unitName(unit), isText: true },
    { head: 'runs', cell: ({ runs }) => String(runs) },
    ...(any(({ ratio }) => typeof ratio === 'number')
      ? [
          {
            head: '× lanegrad',
            cell: (/** @type {Row} */ { ratio }) => (typeof ratio === 'number' ? times(ratio) : ''),
          },
        ]
      : []),
    ...(any(({ share, subject }) => typeof share === 'number' || subject === LIMIT)
      ? [
          {
            head: 'of the limit',
            cell: (/** @type {Row} */ row, /** @type {readonly Row[]} */ ofCase) => {
              const share = shareOf(row, ofCase)
              return share === null ? '' : percent(share)
            },
          },
        ]
      : []),
  ]
  const line = (/** @type {'td' | 'th'} */ tag, /** @type {string[]} */ cells) =>
    cells
      .map((text, i) => `<${tag}${columns[i].isText ? ' class="text"' : ''}>${escapeText(text)}</${tag}>`)
      .join('')
  const body = Array.from(cases.values()).flatMap((ofCase) =>
    ofCase.map((row, i) => {
      const classes = [i ? '' : 'first', row.subject === OURS || isOurs(row.subject) ? 'ours' : '']
        .join(' ')
        .trim()
      const cells = columns.map(({ cell }) => cell(row, ofCase))
      return `<tr${classes && ` class="${classes}"`}>${line('td', cells)}</tr>`
    }),
  )
  const heads = columns.map(({ head }) => head)
  return (
    `<details${rows.length <= OPEN_ROWS ? ' open' : ''}><summary>Numbers</summary>` +
    `<div class="scroll" tabindex="0" role="region" aria-label="${escapeText(titleOf(rows[0].suite))}: numbers">` +
    `<table><thead><tr>${line('th', heads)}</tr></thead><tbody>${body.join('\n')}</tbody></table></div></details>`
  )
}

/**
 * @param {readonly Row[]} rows @param {import('./words.mjs').Machine} machine @param {string} command
 * @param {{ suite: string, wide: string, narrow: string }[]} pictures
 * @param {string} [home]  address of the page it belongs to
 */
export function page(rows, machine, command, pictures, home) {
  const suites = groupBy(rows, ({ suite }) => suite)
  const order = [...Object.keys(TITLES), ...suites.keys()].filter(
    (name, i, all) => all.indexOf(name) === i && suites.has(name),
  )
  const sections = order.map((suite) => {
    const figures = pictures
      .filter((picture) => picture.suite === suite)
      .map(
        ({ wide, narrow }) =>
          `<figure><div class="wide">${wide}</div><div class="narrow">${narrow}</div></figure>`,
      )
    return `<section id="${suite}"><h2>${escapeText(titleOf(suite))}</h2>${figures.join('\n')}${table(suites.get(suite) ?? [])}</section>`
  })
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>lanegrad: how fast</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<header>
<h1>${home ? `<a href="${escapeText(home)}">lanegrad</a>` : 'lanegrad'}: how fast</h1>
<p class="fine">${escapeText(machineLine(machine))}; <code>${escapeText(command)}</code></p>
${machine.load >= BUSY ? `<p class="fine">Other programs were running as well (a load of ${machine.load} when it began): the figures are rough.</p>` : ''}
<nav>${order.map((suite) => `<a href="#${suite}">${escapeText(titleOf(suite))}</a>`).join('')}</nav>
</header>
<main>
${sections.join('\n')}
</main>
</body>
</html>
`
}
