// The bench: runs the suites, cases and subjects that options.mjs tells, prints a table per suite and, with --json,
// writes a file of rows (`Result` in report.mjs). Exits with 1 when a subject computed something wrong or did not
// train. All subjects but the native ones run in this one process, in turns.
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { dirname } from 'node:path'
import { runOtherNodes } from './nodes.mjs'
import { readOptions } from './options.mjs'
import { caseLines, commandOf, header, resultText, wrapped } from './report.mjs'
import { loadSubject } from './subjects/index.mjs'
import { loadSuite } from './suites/index.mjs'

const options = readOptions()
const { timing } = options

// a place that can't be written is found out before measuring
if (options.json) {
  try {
    mkdirSync(dirname(options.json), { recursive: true })
    writeFileSync(options.json, '')
  } catch (error) {
    console.error(`error: --json ${options.json}: ${error instanceof Error ? error.message : error}`)
    process.exit(2)
  }
}
if (options.report) {
  try {
    mkdirSync(options.report, { recursive: true })
    accessSync(options.report, constants.W_OK)
  } catch (error) {
    console.error(`error: --report ${options.report}: ${error instanceof Error ? error.message : error}`)
    process.exit(2)
  }
}

/** @type {import('./subjects/index.mjs').Subject[]} */
const subjects = []
const titles = []
for (const name of options.subjects) {
  const subject = await loadSubject(name, options.quick)
  const reason = await subject.available()
  if (reason) {
    for (const line of wrapped(`${name}: left out: ${reason}`)) console.log(line)
    continue
  }
  subjects.push(subject)
  titles.push(`${name} ${subject.version()}`.trim())
}
for (const line of wrapped(`subjects: ${titles.join(', ')}`)) console.log(line)
for (const subject of subjects) {
  const note = await subject.note?.()
  if (note) for (const line of wrapped(`note: ${subject.name}: ${note}`)) console.log(line)
}

/** @type {import('./report.mjs').Row[]} */
const rows = []
const errors = []
const startMs = performance.now()
const startCpu = process.cpuUsage()
const load = Math.round(loadavg()[0] * 10) / 10
for (const suiteName of options.suites) {
  const suite = await loadSuite(suiteName)
  const cases = suite.cases().filter((one) => !options.only || options.only.test(`${suiteName}/${one.name}`))
  if (!cases.length) continue
  console.log(`\n${suiteName}: ${suite.title}\n${suite.header ?? header()}`)
  /** @type {Map<string, string[]>} subject and reason: nets */
  const notes = new Map()
  for (const one of cases) {
    const result = await suite.runCase(one, subjects, timing)
    rows.push(...result.rows)
    errors.push(...result.errors)
    for (const { subject, net, reason } of result.notes) {
      const key = `${subject}\n${reason}`
      notes.set(key, [...(notes.get(key) ?? []), net])
    }
    if (result.rows.length) console.log((result.lines ?? caseLines(result.rows)).join('\n'))
  }
  for (const [key, nets] of notes) {
    const [subject, reason] = key.split('\n')
    for (const line of wrapped(`not run: ${subject}: ${[...new Set(nets)].join(', ')}: ${reason}`))
      console.log(line)
  }
}
for (const subject of subjects) subject.stop?.()

if (!rows.length) errors.push('no case matched, or no subject could run')
const usedCpu = process.cpuUsage(startCpu)
const share = (usedCpu.user + usedCpu.system) / 1e3 / (performance.now() - startMs)
const machine = {
  cpu: cpus()[0]?.model.trim() ?? 'unknown CPU',
  node: process.versions.node,
  threads: availableParallelism(),
  date: new Date().toISOString(),
  load,
}
console.log(`\n${machine.cpu}, ${machine.threads} threads, Node ${machine.node}, ${timing.rounds} rounds`)
// what runs in processes of its own leaves this one idle: then its share tells nothing
const isAlone =
  !subjects.some(({ stop }) => stop) && !options.suites.some((name) => /start|memory|size/.test(name))
if (rows.length && isAlone && share < 0.9) {
  const busy = `other programs were busy, this one had ${(100 * share).toFixed(0)}% of a core: trust no figure`
  console.log(`note: ${busy}`)
}
for (const error of errors) console.error(`error: ${error}`)
process.exitCode = errors.length ? 1 : 0

const others = options.node ? await runOtherNodes(options.node, rows) : { rows: [], isFine: true }
rows.push(...others.rows)
if (!others.isFine) process.exitCode = 1
/** @type {import('./report.mjs').Result} */
const result = { machine, command: commandOf(process.argv.slice(2)), rows }
if (options.json) writeFileSync(options.json, resultText(result))
if (options.report && rows.length) {
  const { writeReport } = await import('./report/main.mjs')
  const { file, plots } = writeReport(result, options.report)
  console.log(`${file}: ${plots} plots`)
}
