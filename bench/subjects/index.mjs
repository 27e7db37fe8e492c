// The subjects, ours first, and the interface each of them is written to: one file a subject.
// A subject gets plain typed arrays and never changes them; what it makes of them lives until `dispose`.
import { readFileSync } from 'node:fs'
import { notInstalled } from '../absent.mjs'

/**
 * @typedef {object} Subject
 * @property {string} name
 * @property {() => string} version
 * @property {('adam' | 'sgd')[]} optimizers  a subject without Adam trains with plain SGD, and is marked so
 * @property {() => Promise<string | null>} available  null, or the reason why it can't run here
 * @property {() => void | Promise<void>} [activate]  untimed, before it is used again after another subject
 * @property {(net: Net, what: 'train' | 'predict') => string | null} [cannot]  the reason why it can't run this net
 * @property {(net: Net) => boolean} [slow]  a call takes seconds: not with --quick
 * @property {number} [slowMatmul]  products of more flops take a second: not with --quick
 * @property {(product: import('../problems.mjs').Product) => MatmulHandle | Promise<MatmulHandle>} [matmul]
 * @property {(net: Net, runtime?: Runtime) => Trainer | Promise<Trainer>} [trainer]
 * @property {(net: Net) => Predictor | Promise<Predictor>} [predictor]
 * @property {() => string | null} [note]  what a reader of its figures must know
 * @property {Pretrained} [pretrained]  what it can do with a layers-model of TensorFlow.js, for suite `finetune`
 * @property {(cores: number) => Promise<Variant[]>} [variants]  what it can run on, for suite `threads`
 * @property {() => void} [stop]  ends what runs beside this process
 */

/** @typedef {import('../nets.mjs').Net} Net */
/** @typedef {{ threads?: number, isRelaxed?: boolean }} Runtime */
/** @typedef {{ name: string, series: string, threads: number, runtime: Runtime }} Variant */

/**
 * @typedef {object} Pretrained
 * @property {(parts: import('../pretrained/nets.mjs').Parts) => Promise<{ dispose(): void }>} [load]
 * @property {(tuning: import('../pretrained/nets.mjs').Tuning) => Promise<Trainer>} [tune]
 * @property {(parts: import('../pretrained/nets.mjs').Parts, x: Float32Array, shape: number[]) => Promise<Predictor>} predictor
 */

/**
 * @typedef {object} MatmulHandle
 * @property {() => unknown} run  computes the product once; a promise is awaited
 * @property {import('../harness.mjs').Entry['time']} [time]
 * @property {() => ArrayLike<number> | Promise<ArrayLike<number>>} read  the last result, [m, n]
 * @property {() => void} dispose
 */

/**
 * @typedef {object} Trainer
 * @property {(i: number) => unknown} step  one training step on batch i modulo their number; a promise is awaited
 * @property {import('../harness.mjs').Entry['time']} [time]
 * @property {() => number | Promise<number>} loss  mean loss of the last step's batch, before its update
 * @property {() => void} dispose
 */

/**
 * @typedef {object} Predictor
 * @property {(i: number) => ArrayLike<number> | Promise<ArrayLike<number>>} run  the outputs of batch i modulo their number
 * @property {import('../harness.mjs').Entry['time']} [time]
 * @property {() => void} dispose
 */

export const SUBJECT_NAMES = [
  'lanegrad',
  'pytorch',
  'tfjs-wasm',
  'tfjs-cpu',
  'onnxruntime-web',
  'jax-js',
  'convnetjs',
  'plain-js',
]

/** Those that are no JavaScript. */
export const NATIVE = ['pytorch']

export const TOO_SLOW = 'it takes seconds: not with --quick'

/** @param {string} name @param {boolean} isQuick @returns {Promise<Subject>} */
export async function loadSubject(name, isQuick = false) {
  /** @type {Subject} */
  const subject = await import(`./${name}.mjs`).then(
    (module) => module.subject,
    (error) => ({ name, available: async () => notInstalled(error) ?? `it can't be imported: ${error}` }),
  )
  const { slow, cannot } = subject
  if (!isQuick) return { ...subject, slowMatmul: undefined }
  if (!slow) return subject
  return {
    ...subject,
    cannot: (net, what) => cannot?.(net, what) ?? (slow(net) ? TOO_SLOW : null),
  }
}

/** Version of an installed package. @param {string} packageName */
export function installedVersion(packageName) {
  const url = new URL(`../node_modules/${packageName}/package.json`, import.meta.url)
  return JSON.parse(readFileSync(url, 'utf8')).version
}
