// The same bench in other Node binaries: `--node PATH,...`.
// Enters: paths, and the rows of this Node. Leaves: the others' rows, subjects labelled `lanegrad @24.1.0`, compared with
// lanegrad in this Node, and a table of lanegrad's own. What isn't JavaScript is measured once, here, and left out there.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { caseLines, header, OURS, withRatios } from './report.mjs'
import { NATIVE, SUBJECT_NAMES } from './subjects/index.mjs'

const MAIN = fileURLToPath(new URL('main.mjs', import.meta.url))
/** Options that take a value and are this process's own. */
const OWN = ['--node', '--json', '--report', '--subjects']

/** The arguments the others get. */
function passedOn() {
  const all = process.argv.slice(2)
  const isOwn = (/** @type {string} */ arg) => OWN.some((name) => arg === name || arg.startsWith(`${name}=`))
  return all.filter((arg, i) => !isOwn(arg) && !OWN.includes(all[i - 1] ?? ''))
}

/** @param {import('./report.mjs').Row} row */
const keyOf = ({ suite, case: name, x }) => `${suite}/${name}/${suite === 'batch' ? x : ''}`

/** @param {string[]} paths @param {import('./report.mjs').Row[]} here */
export async function runOtherNodes(paths, here) {
  const folder = mkdtempSync(join(tmpdir(), 'lanegrad-bench-'))
  const wanted = new Set(here.map(({ subject }) => subject))
  const subjects = SUBJECT_NAMES.filter((name) => wanted.has(name) && !NATIVE.includes(name))
  /** @type {import('./report.mjs').Row[]} */
  const rows = []
  let isFine = true
  try {
    for (const path of paths) {
      const version = execFileSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim()
      console.log(`\n==== Node ${version} ====`)
      const json = join(folder, `${version}.json`)
      const args = [MAIN, ...passedOn(), '--json', json, '--subjects', subjects.join(',')]
      const { status } = spawnSync(path, args, { stdio: 'inherit' })
      if (status !== 0) isFine = false
      const text = readFileSync(json, 'utf8')
      /** @type {import('./report.mjs').Row[]} */
      const theirs = text ? JSON.parse(text).rows : []
      rows.push(
        ...theirs.map((row) => ({
          ...row,
          subject: `${row.subject} @${version}`,
          series: row.series && `${row.series} @${version}`,
        })),
      )
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const keys = [...new Set(here.map(keyOf))]
  const sameCase = (/** @type {string} */ key) => [...here, ...rows].filter((row) => keyOf(row) === key)
  const compared = keys.map((key) => withRatios(sameCase(key)))
  console.log(`\nlanegrad in each Node, unlabelled ${process.versions.node}\n${header()}`)
  for (const all of compared) {
    const ours = all.filter(({ subject }) => subject === OURS || subject.startsWith(`${OURS} @`))
    if (ours.length > 1) console.log(caseLines(ours).join('\n'))
  }
  return { rows: compared.flat().filter(({ subject }) => subject.includes(' @')), isFine }
}
