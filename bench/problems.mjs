// What is measured: the products, with their data, the same for every subject, and the generator of all data. The nets
// are in nets.mjs. Leaves plain typed arrays, row-major. Subjects must not write into them.

/**
 * One product C[m,n] = op(A)[m,k] . op(B)[k,n].
 * @typedef {object} Product
 * @property {string} name
 * @property {'A.B' | 'At.B' | 'A.Bt'} form  At: A is stored [k,m]; Bt: B is stored [n,k]
 * @property {number} m
 * @property {number} k
 * @property {number} n
 * @property {Float32Array} a
 * @property {Float32Array} b
 */

/** Uniform numbers in [0, 1): mulberry32. @param {number} seed */
export function generator(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** @param {Product['form']} form @param {number} m @param {number} k @param {number} n */
const productName = (form, m, k, n) => `${form} ${m}x${k}x${n}`

/** @param {Product['form']} form @param {number} m @param {number} k @param {number} n @returns {Product} */
export function product(form, m, k, n) {
  const random = generator(m * 31 + k * 17 + n)
  const a = Float32Array.from({ length: m * k }, () => random() * 2 - 1)
  const b = Float32Array.from({ length: k * n }, () => random() * 2 - 1)
  return { name: productName(form, m, k, n), form, m, k, n, a, b }
}

/** @type {[Product['form'], number, number, number][]} sizes are m x k x n */
const PRODUCTS = [
  // cubes
  ...[64, 256].flatMap((s) =>
    /** @type {const} */ (['A.B', 'At.B', 'A.Bt']).map(
      (form) => /** @type {[Product['form'], number, number, number]} */ ([form, s, s, s]),
    ),
  ),
  ['A.B', 64, 784, 128], // 784-128-10 at batch 64: forward, first layer
  ['At.B', 784, 64, 128], // weight gradient
  ['A.B', 64, 128, 10], // forward, second layer
  ['At.B', 128, 64, 10], // weight gradient
  ['A.Bt', 64, 10, 128], // input gradient
  ['A.B', 64, 512, 512], // 784-512-512-10: forward, middle layer
  ['At.B', 512, 64, 512], // weight gradient
  ['A.Bt', 64, 512, 512], // input gradient
  ['A.B', 1, 784, 128], // thin: a batch of one
  ['A.B', 1, 2048, 512],
  ['A.B', 43264, 9, 16], // tall: a convolution's patches
  ['A.B', 4096, 64, 16],
  ['A.B', 61, 127, 33], // ragged: n = 4k + 1, nothing a multiple of anything
  ['A.B', 1024, 128, 65], // the transformer's logits
  ['At.B', 128, 1024, 65],
  ['A.Bt', 1024, 65, 128],
  ['A.B', 1024, 1024, 1024], // larger than the caches of a core
  ['A.B', 64, 2048, 2048],
]

/** Named first, filled when they are run: together they are too much to hold. */
export const products = () =>
  PRODUCTS.map(([form, m, k, n]) => ({
    name: productName(form, m, k, n),
    make: () => product(form, m, k, n),
  }))
