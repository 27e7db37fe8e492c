// A result of the bench as a page and as plots: `node bench/report/main.mjs ROWS.json DIR`, or --report DIR of the bench.
// Leaves DIR/index.html, which needs nothing else, and DIR/*.svg. Measures nothing.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { NETS } from '../nets.mjs'
import { card, PADDING } from './card.mjs'
import { page } from './page.mjs'
import { picturesOf } from './plots.mjs'
import { machineLine, rowsOf } from './words.mjs'

const WIDE = 800
const NARROW = 360

/** A net's case is shown with its batch size and optimizer. @returns {(name: string) => import('./plots.mjs').CaseInfo} */
function caseInfo() {
  /** @type {Map<string, import('./plots.mjs').CaseInfo>} */
  const known = new Map()
  for (const [name, make] of Object.entries(NETS)) {
    const { batchSize, optimizer } = make({ batchCount: 1 })
    const label = `${name}, batch ${batchSize}, ${optimizer === 'adam' ? 'Adam' : 'SGD'}`
    known.set(name, { label })
  }
  return (name) => known.get(name) ?? { label: name.replace(/ b(\d+)$/, ', batch $1') }
}

/**
 * @param {import('../report.mjs').Result} result
 * @param {string} folder  made if there is none
 * @param {string} [home]  a page that the report links to
 */
export function writeReport({ machine, command, rows: written }, folder, home) {
  const rows = rowsOf(written, machine)
  mkdirSync(folder, { recursive: true })
  const source = `${machineLine(machine)}; ${command}`
  const drawn = picturesOf(rows, machine, caseInfo()).map(({ name, suite, panels, ...text }) => {
    const draw = (/** @type {number} */ width, /** @type {boolean} */ isAlone) =>
      card({ ...text, source }, panels(width - 2 * PADDING), width, isAlone)
    writeFileSync(join(folder, `${name}.svg`), draw(WIDE, true))
    return { suite, wide: draw(WIDE, false), narrow: draw(NARROW, false) }
  })
  const file = join(folder, 'index.html')
  writeFileSync(file, page(rows, machine, command, drawn, home))
  return { file, plots: drawn.length }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [rowsFile, folder] = process.argv.slice(2)
  if (!rowsFile || !folder) {
    console.error(
      'usage: node bench/report/main.mjs ROWS.json DIR  (ROWS.json: npm run bench -- --json ROWS.json)',
    )
    process.exit(2)
  }
  const result = JSON.parse(readFileSync(rowsFile, 'utf8'))
  if (!Array.isArray(result?.rows)) {
    console.error(`error: ${rowsFile}: expected { machine, command, rows }, as --json writes`)
    process.exit(2)
  }
  const { file, plots } = writeReport(result, folder)
  console.log(`${file}: ${plots} plots`)
}
