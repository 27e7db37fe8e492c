// Enters: an initializer, a shape, a seed and a stream. Leaves: the initial weights, float32, row-major, in an array of the
// caller. They don't depend on the order in which layers are built: each weight takes the stream of its name (streamOf).
import { check } from '../numerics/errors.ts'
import { truncatedNormal as fillTruncated, normal } from '../numerics/random.ts'
import { elementCount } from '../numerics/tensor.ts'
import { type Initializer, type InitializerName, readInitializer, UNIT_FORGET_BIAS } from './initializers.ts'

/** The drawer of uniform numbers, of which there may be millions: the engine, or numerics/random.ts. */
interface Source {
  uniform(out: Float32Array, seed: number, stream: number, low: number, high: number): void
}

/**
 * Sets `out`, which is all 0, to the initial weights of `shape`: they depend on nothing but the arguments.
 * @throws LanegradError on an unknown initializer, or `orthogonal` below rank 2.
 */
export function initialize(
  out: Float32Array,
  initializer: Initializer | InitializerName,
  shape: readonly number[],
  seed: number,
  stream: number,
  source: Source,
): void {
  if (initializer === UNIT_FORGET_BIAS) {
    out.fill(1, out.length / 4, out.length / 2)
    return
  }
  const known = readInitializer(initializer)
  switch (known.kind) {
    case 'zeros':
      return
    case 'ones':
      out.fill(1)
      return
    case 'constant':
      out.fill(known.value)
      return
    case 'randomUniform':
      source.uniform(out, seed, stream, known.minValue, known.maxValue)
      return
    case 'randomNormal':
      normal(out, seed, stream, known.mean, known.stddev)
      return
    case 'truncatedNormal':
      fillTruncated(out, seed, stream, known.mean, known.stddev)
      return
    case 'orthogonal':
      fillOrthogonal(out, shape, seed, stream, known.gain)
      return
  }
  // variance scaling
  const [fanIn, fanOut] = fansOf(shape)
  const scale = known.kind.startsWith('he') ? 2 : 1
  const fan = known.kind.startsWith('glorot') ? (fanIn + fanOut) / 2 : fanIn
  const variance = scale / Math.max(1, fan)
  if (known.kind.endsWith('Uniform')) {
    const limit = Math.sqrt(3 * variance)
    source.uniform(out, seed, stream, -limit, limit)
  } else {
    // the stddev of a unit normal cut off at 2 is 0.8796...
    fillTruncated(out, seed, stream, 0, Math.sqrt(variance) / 0.8796256610342398)
  }
}

/** [fanIn, fanOut]: dense [in, out]; convolution [...spatial, in, out] times the receptive field; [n] is n, n. */
export function fansOf(shape: readonly number[]): readonly [fanIn: number, fanOut: number] {
  const rank = shape.length
  if (rank < 2) return [shape[0] ?? 1, shape[0] ?? 1]
  const receptiveField = elementCount(shape.slice(0, -2))
  return [receptiveField * shape[rank - 2], receptiveField * shape[rank - 1]]
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
