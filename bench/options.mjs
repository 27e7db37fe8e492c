// The bench's options. Enters: the command line. Leaves: checked options; ends the process on bad ones, as on --help.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { SUBJECT_NAMES } from './subjects/index.mjs'
import { DEFAULT_SUITES, SUITE_NAMES } from './suites/index.mjs'

/** @type {import('./harness.mjs').Timing} */
const FULL = { rounds: 15, sampleMs: 80, warmMs: 300, mostMs: 10_000 }
/** @type {import('./harness.mjs').Timing} */
const QUICK = { rounds: 5, sampleMs: 20, warmMs: 60, mostMs: 500 }

/** npm runs scripts in bench/, not where it was called. @param {string} path */
const fromCaller = (path) => resolve(process.env.INIT_CWD ?? '.', path)

/** @param {string} text */
function positiveInteger(text) {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number from 1')
  return value
}

/** @param {string} what @param {string[]} known */
const listOf = (what, known) => (/** @type {string} */ text) => {
  const names = text.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new InvalidArgumentError(`unknown ${what} '${unknown}', known are ${known.join(', ')}`)
  return known.filter((name) => names.includes(name))
}

/** @param {string} text */
function pattern(text) {
  try {
    return new RegExp(text, 'i')
  } catch (error) {
    throw new InvalidArgumentError(/** @type {Error} */ (error).message)
  }
}

/** @param {string} text */
function binaries(text) {
  const paths = text.split(',').map((path) => fromCaller(path.trim()))
  const missing = paths.find((path) => !existsSync(path))
  if (missing) throw new InvalidArgumentError(`no such file: ${missing}`)
  return paths
}

const others = SUITE_NAMES.filter((name) => !DEFAULT_SUITES.includes(name)).join(', ')

/**
 * @typedef {object} Options
 * @property {string[]} suites
 * @property {string[]} subjects
 * @property {RegExp} [only]
 * @property {boolean} [quick]
 * @property {number} [rounds]
 * @property {string[]} [node]
 * @property {string} [json]
 * @property {string} [report]
 */

export function readOptions() {
  /** @type {Options} */
  const options = new Command('bench')
    .description('Compares lanegrad with its peers: the same work, beside each other, in turns.')
    .addOption(
      new Option('--suites <list>', `which suites, separated by commas; there are also ${others}; or 'all'`)
        .default(DEFAULT_SUITES, DEFAULT_SUITES.join(','))
        .argParser((text) => (text === 'all' ? SUITE_NAMES : listOf('suite', SUITE_NAMES)(text))),
    )
    .option('--only <pattern>', "run the cases whose 'suite/case' matches this regular expression", pattern)
    .addOption(
      new Option('--subjects <list>', 'which subjects, separated by commas')
        .default(SUBJECT_NAMES, SUBJECT_NAMES.join(','))
        .argParser(listOf('subject', SUBJECT_NAMES)),
    )
    .option('--quick', 'fewer and shorter samples')
    .option(
      '--rounds <n>',
      `samples of each subject (${FULL.rounds}, quick ${QUICK.rounds})`,
      positiveInteger,
    )
    .option('--node <list>', 'then the same in these Node binaries, paths separated by commas', binaries)
    .option('--json <file>', 'write the rows to a file as well', fromCaller)
    .option('--report <dir>', 'write a page of plots and tables as well: index.html, *.svg', fromCaller)
    .parse()
    .opts()
  const timing = { ...(options.quick ? QUICK : FULL), ...(options.rounds && { rounds: options.rounds }) }
  return { ...options, timing }
}
