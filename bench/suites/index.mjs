// The suites by name, in the order they run, and which of them run when none is asked for.

/**
 * @typedef {object} Result
 * @property {import('../report.mjs').Row[]} rows
 * @property {string[]} errors  what a subject computed wrong: the bench fails
 * @property {{ subject: string, net: string, reason: string }[]} notes  why a subject took no part
 * @property {string[]} [lines]  what to print, where it isn't the usual table
 */

/**
 * @typedef {object} Suite
 * @property {string} name
 * @property {string} title
 * @property {() => { name: string }[]} cases
 * @property {(one: any, subjects: import('../subjects/index.mjs').Subject[], timing: import('../harness.mjs').Timing) => Promise<Result>} runCase
 * @property {string[]} [header]  where it isn't the usual table
 */

/** Name: does it run by default? */
const SUITES = {
  step: true,
  predict: true,
  matmul: true,
  ops: false,
  threads: false,
  batch: false,
  finetune: false,
  memory: false,
  start: false,
  size: false,
}

export const SUITE_NAMES = Object.keys(SUITES)
export const DEFAULT_SUITES = Object.entries(SUITES).flatMap(([name, isDefault]) => (isDefault ? name : []))

/** @param {string} name @returns {Promise<Suite>} */
export const loadSuite = (name) => import(`./${name}.mjs`)
