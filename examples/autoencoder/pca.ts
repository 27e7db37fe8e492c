// Principal components: the best that any linear code of a given length can do, as the line to beat.
//
// In:  pictures [n, pixelCount], rows of float32. Out: their mean and the directions along which they vary most.
// The covariance is summed up over all rows; its largest eigenvectors come by orthogonal iteration, which multiplies
// a set of directions by the covariance and makes them orthonormal again, until they stay as they are.

export interface Components {
  /** [pixelCount] */
  mean: Float64Array
  /** orthonormal, each [pixelCount] */
  directions: Float64Array[]
}

const ITERATIONS = 60

export function principalComponents(pictures: Float32Array, pixelCount: number, count: number): Components {
  const { mean, covariance } = momentsOf(pictures, pixelCount)
  // any start will do that isn't orthogonal to what is sought: single pixels of the middle rows
  const first = Math.floor((pixelCount - count) / 2)
  let directions: Float64Array[] = Array.from({ length: count }, (_, i) => {
    return Float64Array.from({ length: pixelCount }, (_, pixel) => (pixel === first + i ? 1 : 0))
  })
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    directions = orthonormal(directions.map((direction) => times(covariance, direction)))
  }
  return { mean, directions }
}

/** Each picture as the mean and its shares of the components: the closest there is in their span. */
export function projected(pictures: Float32Array, { mean, directions }: Components): Float32Array {
  const pixelCount = mean.length
  const result = new Float32Array(pictures.length)
  for (let from = 0; from < pictures.length; from += pixelCount) {
    const centered = mean.map((x, pixel) => pictures[from + pixel] - x)
    const sum = mean.slice()
    for (const direction of directions) addScaled(sum, direction, dot(direction, centered))
    result.set(sum, from)
  }
  return result
}

/** Mean and covariance, [pixelCount] and its square. Most pixels of a digit are 0, and add nothing to the sums. */
function momentsOf(pictures: Float32Array, pixelCount: number) {
  const n = pictures.length / pixelCount
  const mean = new Float64Array(pixelCount)
  const covariance = new Float64Array(pixelCount * pixelCount)
  for (let from = 0; from < pictures.length; from += pixelCount) {
    const picture = pictures.subarray(from, from + pixelCount)
    const inked: number[] = []
    for (let pixel = 0; pixel < pixelCount; pixel++) if (picture[pixel] !== 0) inked.push(pixel)
    for (let a = 0; a < inked.length; a++) {
      const i = inked[a]
      mean[i] += picture[i] / n
      for (let b = 0; b <= a; b++) covariance[i * pixelCount + inked[b]] += picture[i] * picture[inked[b]]
    }
  }
  for (let i = 0; i < pixelCount; i++) {
    for (let j = 0; j <= i; j++) {
      const value = covariance[i * pixelCount + j] / n - mean[i] * mean[j]
      covariance[i * pixelCount + j] = covariance[j * pixelCount + i] = value
    }
  }
  return { mean, covariance }
}

/** Gram-Schmidt: from each vector what lies along the earlier ones is taken away, then its length is made 1. */
function orthonormal(vectors: Float64Array[]): Float64Array[] {
  const done: Float64Array[] = []
  for (const vector of vectors) {
    for (const earlier of done) addScaled(vector, earlier, -dot(earlier, vector))
    const length = Math.sqrt(dot(vector, vector))
    done.push(vector.map((x) => x / (length || 1))) // a vector of zeros stays one: no more directions vary
  }
  return done
}

/** matrix [n, n] times vector [n] */
function times(matrix: Float64Array, vector: Float64Array): Float64Array {
  const n = vector.length
  return vector.map((_, row) => dot(matrix.subarray(row * n, (row + 1) * n), vector))
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}

function addScaled(sum: Float64Array, vector: Float64Array, factor: number): void {
  for (let i = 0; i < sum.length; i++) sum[i] += factor * vector[i]
}
