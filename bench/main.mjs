// The bench's command line: which suites, cases and subjects, how long, and where the numbers go.
// Leaves a table per suite on standard output and, with --json, a file of rows. Exits with 1 when a subject computed
// something wrong or did not train. All subjects run in this one process, in turns.
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { caseLines, header, ownLine } from './report.mjs'
import { loadSubject, SUBJECT_NAMES } from './subjects/index.mjs'
import * as matmul from './suites/matmul.mjs'
import * as ops from './suites/ops.mjs'
import * as step from './suites/step.mjs'

const FULL = { rounds: 15, sampleMs: 80, warmMs: 300 }
const QUICK = { rounds: 5, sampleMs: 30, warmMs: 100 }
const TITLES = {
  matmul: 'matmul: C = op(A).op(B), sizes m x k x n, GFLOP/s (more is better)',
  ops: 'ops: one operation of a training step, GFLOP/s or GB/s (more is better)',
  step: 'step: one training step, batch copied in, ms or us (less is better)',
}

/** @param {string} text */
function positiveInteger(text) {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number from 1')
  return value
}

/** @param {string} text */
function subjectList(text) {
  const names = text.split(',').map((name) => name.trim())
  for (const name of names) {
    if (!SUBJECT_NAMES.includes(name)) {
      throw new InvalidArgumentError(`unknown subject '${name}', known are ${SUBJECT_NAMES.join(', ')}`)
    }
  }
  return names
}

/** @param {string} text */
function pattern(text) {
  try {
    return new RegExp(text, 'i')
  } catch (error) {
    throw new InvalidArgumentError(/** @type {Error} */ (error).message)
  }
}

const options = new Command('bench')
  .description('Compares lanegrad with its peers: the same work, in one process, on one thread, in turns.')
  .option('--json <file>', 'write the rows to a file as well')
  .option('--only <pattern>', "run the cases whose 'suite/case' matches this regular expression", pattern)
  .option('--rounds <n>', `samples of each subject (${FULL.rounds}, quick ${QUICK.rounds})`, positiveInteger)
  .option('--quick', 'fewer and shorter samples')
  .addOption(
    new Option('--subjects <list>', 'which subjects, separated by commas')
      .default(SUBJECT_NAMES, SUBJECT_NAMES.join(','))
      .argParser(subjectList),
  )
  .parse()
  .opts()

// npm runs scripts in bench/, not where it was called; a place that can't be written is found out before measuring
const jsonFile = options.json && resolve(process.env.INIT_CWD ?? '.', options.json)
if (jsonFile) {
  try {
    mkdirSync(dirname(jsonFile), { recursive: true })
    writeFileSync(jsonFile, '[]\n')
  } catch (error) {
    console.error(`error: --json ${options.json}: ${error instanceof Error ? error.message : error}`)
    process.exit(2)
  }
}

const timing = { ...(options.quick ? QUICK : FULL), ...(options.rounds && { rounds: options.rounds }) }
/** @type {import('./subjects/index.mjs').Subject[]} */
const subjects = []
for (const name of options.subjects) {
  const subject = await loadSubject(name)
  const reason = await subject.available()
  if (reason) console.log(`${name}: left out: ${reason}`)
  else subjects.push(subject)
}
for (let i = 0; i < subjects.length; i += 3) {
  const names = subjects.slice(i, i + 3).map((s) => `${s.name} ${s.version()}`.trim())
  console.log(`${i ? '         ' : 'subjects:'} ${names.join(', ')}`)
}

const rows = []
const errors = []
const startMs = performance.now()
const startCpu = process.cpuUsage()
for (const suite of [matmul, ops, step]) {
  const cases = suite.cases().filter((one) => !options.only || options.only.test(`${suite.name}/${one.name}`))
  if (!cases.length) continue
  console.log(`\n${TITLES[suite.name]}\n${header(suite !== step)}`)
  for (const one of cases) {
    const result = await suite.runCase(/** @type {any} */ (one), subjects, timing)
    rows.push(...result.rows)
    errors.push(...result.errors)
    if (!result.rows.length) continue
    console.log(suite === ops ? ownLine(result.rows) : caseLines(result.rows, noteFor(one)).join('\n'))
  }
}

/** Marks the subjects that train with another optimizer than the case asks for. @param {any} one */
function noteFor(one) {
  return (/** @type {string} */ name) => {
    const subject = subjects.find((s) => s.name === name)
    return one.optimizer && subject && !subject.optimizers.includes(one.optimizer) ? ' (SGD)' : ''
  }
}

if (!rows.length) errors.push('no case matched, or no subject could run')
if (jsonFile) writeFileSync(jsonFile, `${JSON.stringify(rows, null, 2)}\n`)
const cpu = cpus()[0]?.model.trim() ?? 'unknown CPU'
console.log(`\n${cpu}, Node ${process.versions.node}, one thread, ${timing.rounds} rounds`)
const usedCpu = process.cpuUsage(startCpu)
const share = (usedCpu.user + usedCpu.system) / 1e3 / (performance.now() - startMs)
if (rows.length && share < 0.9) {
  console.log(
    `note: other programs were busy, this one had ${(100 * share).toFixed(0)}% of a core: trust no figure`,
  )
}
for (const error of errors) console.error(`error: ${error}`)
process.exitCode = errors.length ? 1 : 0
