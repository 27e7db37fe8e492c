// The head: what learns. Enters: rows of numbers, one for each picture, and their classes. Leaves: a small model of a
// normalization and one dense layer. Every class counts the same, however many pictures it has.
import {
  adam,
  classWeights,
  dense,
  type FloatArray,
  type Layer,
  type Model,
  normalization,
  type Symbolic,
  sequential,
  sparseCategoricalCrossentropy,
} from 'lanegrad'
import { kFold } from 'lanegrad/data'

export interface Rows {
  readonly features: readonly Float32Array[]
  readonly labels: readonly number[]
  readonly classes: number
}

export interface Head {
  readonly mean: number[]
  readonly variance: number[]
  readonly model: Model<Symbolic>
}

const STEPS = 120
/** Up to so many pictures, each is held back alone; above, a fifth at a time. */
const ONE_BY_ONE = 12
const FOLDS = 5

/** The layers of a head over rows with these statistics: logits of the classes. */
export const headLayers = (
  { mean, variance }: Pick<Head, 'mean' | 'variance'>,
  classes: number,
): [Layer, Layer] => [
  normalization({ mean, variance }),
  dense({ units: classes, kernelInitializer: 'zeros', kernelRegularizer: { l2: 0.01 } }),
]

/** Mean and variance of each feature; few pictures say little about a variance, so none is much below the usual one. */
function statistics(features: readonly Float32Array[]): { mean: number[]; variance: number[] } {
  const count = features.length
  const mean = Array.from(features[0], (_, i) => features.reduce((sum, row) => sum + row[i], 0) / count)
  const own = mean.map((middle, i) => features.reduce((sum, row) => sum + (row[i] - middle) ** 2, 0) / count)
  const usual = own.reduce((sum, value) => sum + value, 0) / own.length
  return { mean, variance: own.map((value) => Math.max(value, usual / 10, 1e-6)) }
}

export const rowsOf = (features: readonly Float32Array[]): FloatArray => {
  const size = features[0].length
  const data = new Float32Array(features.length * size)
  features.forEach((row, i) => {
    data.set(row, i * size)
  })
  return { shape: [features.length, size], data }
}

const counts = ({ labels, classes }: Rows): number[] =>
  Array.from({ length: classes }, (_, label) => labels.filter((own) => own === label).length)

/** Learns from the rows; the same rows give the same head. */
export async function teach(rows: Rows): Promise<Head> {
  const { features, labels, classes } = rows
  const { mean, variance } = statistics(features)
  const size = mean.length
  const model = sequential({ inputShape: [size], layers: headLayers({ mean, variance }, classes) })
  model.compile({
    // the more numbers there are, the smaller the step of each has to be
    optimizer: adam({ learningRate: Math.min(0.05, 1 / size) }),
    loss: sparseCategoricalCrossentropy({ fromLogits: true }),
    warnings: false,
  })
  const count = labels.length
  const classWeight = classWeights(counts(rows).map((n) => count / (classes * Math.max(1, n))))
  await model.fit(rowsOf(features), Int32Array.from(labels), {
    epochs: STEPS,
    batchSize: count,
    shuffle: false,
    classWeight,
  })
  return { mean, variance, model }
}

/** The class that a head tells of each row. */
export function tell({ model }: Head, features: readonly Float32Array[]): number[] {
  const { data, shape } = model.predict(rowsOf(features))
  const classes = shape[1]
  return features.map((_, row) => {
    const logits = data.subarray(row * classes, (row + 1) * classes)
    return logits.indexOf(Math.max(...logits))
  })
}

/**
 * The class that each row is told to be by a head that has learned from others only; null where that can't be said, since a class
 * has one row.
 */
export async function heldBack(
  rows: Rows,
  onFold: (fold: number, folds: number) => void,
): Promise<number[] | null> {
  const { features, labels, classes } = rows
  if (Math.min(...counts(rows)) < 2) return null
  const folds = labels.length <= ONE_BY_ONE ? labels.length : FOLDS
  const told = new Array<number>(labels.length)
  const stratify = folds === labels.length ? undefined : Int32Array.from(labels)
  for (const [i, { train, test }] of kFold(labels.length, {
    folds,
    ...(stratify && { stratify }),
  }).entries()) {
    onFold(i, folds)
    const head = await teach({
      features: Array.from(train, (row) => features[row]),
      labels: Array.from(train, (row) => labels[row]),
      classes,
    })
    const answers = tell(
      head,
      Array.from(test, (row) => features[row]),
    )
    test.forEach((row, at) => {
      told[row] = answers[at]
    })
    head.model.dispose()
  }
  return told
}
