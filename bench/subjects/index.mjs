// The subjects, ours first, and the interface each of them is written to: one file a subject.
// A subject gets plain typed arrays and never changes them; what it makes of them lives until `dispose`.
import { readFileSync } from 'node:fs'

/**
 * @typedef {object} Subject
 * @property {string} name
 * @property {() => string} version
 * @property {('adam' | 'sgd')[]} optimizers  a subject without Adam trains with plain SGD, and is marked so
 * @property {() => Promise<string | null>} available  null, or the reason why it can't run here
 * @property {() => void | Promise<void>} [activate]  untimed, before it is used again after another subject
 * @property {(product: import('../problems.mjs').Product) => MatmulHandle | Promise<MatmulHandle>} [matmul]
 * @property {(net: import('../problems.mjs').Net) => Trainer | Promise<Trainer>} [trainer]
 */

/**
 * @typedef {object} MatmulHandle
 * @property {() => unknown} run  computes the product once; a promise is awaited
 * @property {() => ArrayLike<number> | Promise<ArrayLike<number>>} read  the last result, [m, n]
 * @property {() => void} dispose
 */

/**
 * @typedef {object} Trainer
 * @property {(i: number) => unknown} step  one training step on batch i modulo their number; a promise is awaited
 * @property {() => number | Promise<number>} loss  mean loss of the last step's batch, before its update
 * @property {() => void} dispose
 */

export const SUBJECT_NAMES = ['lanegrad', 'tfjs-wasm', 'tfjs-cpu', 'jax-js', 'convnetjs', 'plain-js']

/** @param {string} name @returns {Promise<Subject>} */
export async function loadSubject(name) {
  return (await import(`./${name}.mjs`)).subject
}

/** Version of an installed package. @param {string} packageName */
export function installedVersion(packageName) {
  const url = new URL(`../node_modules/${packageName}/package.json`, import.meta.url)
  return JSON.parse(readFileSync(url, 'utf8')).version
}
