// The initializer `orthogonal`: a value that brings its code, so that only a program that names it, or a layer whose default it is,
// carries the factorization.
import { bringing } from '../numerics/brought.ts'
import { check, FINITE, readOptions } from '../numerics/errors.ts'
import { normal } from '../numerics/random.ts'
import type { Drawing, Initializer } from './initializers.ts'

/** Options of `orthogonal`. */
export interface OrthogonalOptions {
  /** Factor of the matrix. Default 1. */
  readonly gain?: number
}

/**
 * Orthonormal columns (rows, if there are fewer) of [product of leading dimensions, last], times gain (1). Saxe et al. 2013.
 * A weight below rank 2 is refused when the model is made.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { dense, orthogonal, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [3], layers: [dense({ units: 3, kernelInitializer: orthogonal() })] }) // a rotation
 * const { data } = model.predict([[1, 2, 2]])
 * console.log(Math.hypot(...data).toFixed(4)) // 3.0000
 * ```
 */
export function orthogonal(options: OrthogonalOptions = {}): Initializer {
  const { gain } = readOptions('orthogonal', options, { gain: [FINITE, 1] })
  const draw: Drawing['draw'] = (out, shape, seed, stream) => fillOrthogonal(out, shape, seed, stream, gain)
  return bringing({ kind: 'orthogonal' as const, gain }, { draw })
}

/**
 * The Q of a normal matrix's QR factors by modified Gram-Schmidt in float64. The diagonal of R is positive,
 * so Q is uniformly distributed over the orthogonal matrices and needs no sign correction.
 */
function fillOrthogonal(
  out: Float32Array,
  shape: readonly number[],
  seed: number,
  stream: number,
  gain: number,
): void {
  check(shape.length >= 2, 'orthogonal: shape', 'of rank 2 or more', shape)
  const colCount = shape[shape.length - 1]
  const rowCount = colCount && out.length / colCount
  const size = Math.max(rowCount, colCount) // length of each vector
  const vectors: Float64Array[] = []
  const drawn = new Float32Array(out.length)
  normal(drawn, seed, stream)
  for (let start = 0; start < out.length; start += size) {
    const vector = Float64Array.from(drawn.subarray(start, start + size))
    orthonormalize(vector, vectors)
    vectors.push(vector)
  }
  for (let row = 0, at = 0; row < rowCount; row++) {
    for (let col = 0; col < colCount; col++) {
      out[at++] = gain * (rowCount < colCount ? vectors[row][col] : vectors[col][row])
    }
  }
}

/** Makes `vector` a unit vector at right angles to the unit vectors `others`. */
function orthonormalize(vector: Float64Array, others: readonly Float64Array[]): void {
  const size = vector.length
  const none = new Float64Array(size) // fills up the last group
  let before: number
  let after: number
  do {
    before = lengthOf(vector)
    // in groups of four: the others are orthonormal, so four sums at once lose nothing and take about half the time
    for (let group = 0; group < others.length; group += 4) {
      const [a, b = none, c = none, d = none] = others.slice(group, group + 4)
      let alongA = 0
      let alongB = 0
      let alongC = 0
      let alongD = 0
      for (let i = 0; i < size; i++) {
        alongA += vector[i] * a[i]
        alongB += vector[i] * b[i]
        alongC += vector[i] * c[i]
        alongD += vector[i] * d[i]
      }
      for (let i = 0; i < size; i++)
        vector[i] -= alongA * a[i] + alongB * b[i] + (alongC * c[i] + alongD * d[i])
    }
    after = lengthOf(vector)
    for (let i = 0; i < size; i++) vector[i] /= after
    // cancellation leaves an error of about 1e-16 before / after: once more if the vector shrank a lot
  } while (after < 1e-4 * before)
}

function lengthOf(vector: Float64Array): number {
  let sum = 0
  for (const value of vector) sum += value * value
  return Math.sqrt(sum)
}
