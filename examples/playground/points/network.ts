// The network of the Points tab. Two models share the description: `trained` has one output and the loss, `probe` gives
// every layer's output and gets the weights before it is asked, so that training carries none of what is only shown.
import {
  type Activation,
  binaryCrossentropy,
  dense,
  type FloatArray,
  input,
  type Model,
  meanSquaredError,
  model,
  optimizers,
  type Symbolic,
} from 'lanegrad'
import { type Point, type Rows, randomNumbers, rowsOf, shuffle } from './data.ts'
import { featureRows } from './features.ts'
import { placesOf, SIDE, SMALL } from './grid.ts'

export interface NetworkOptions {
  /** Names of the features. */
  readonly inputs: readonly string[]
  /** Whether the output is a value, learned by its squared error, not the class. */
  readonly isRegression: boolean
  readonly units: readonly number[]
  readonly activation: Activation
  readonly optimizer: keyof typeof optimizers
  readonly learningRate: number
  readonly regularization: 'none' | 'l1' | 'l2'
  readonly rate: number
  readonly seed: number
}

export interface Score {
  readonly loss: number
  /** Points on the right side; of a regression the share of the values' variance that is explained. */
  readonly share: number
}

export class Network {
  epoch = 0
  steps = 0
  readonly layerNames: readonly string[]
  private readonly trained: Model<Symbolic>
  private readonly probe: Model<Symbolic[]>
  private readonly inputs: readonly string[]
  private readonly isRegression: boolean
  /** The features of the map's places, and of those of the neurons' small pictures. */
  private readonly grid: FloatArray
  readonly smallGrid: FloatArray
  private readonly random: () => number
  private order: Point[] = []

  constructor(options: NetworkOptions, weights: Record<string, FloatArray> | null = null) {
    const { inputs, units, activation, regularization, rate, seed } = options
    this.inputs = inputs
    this.isRegression = options.isRegression
    this.grid = featureRows(placesOf(SIDE), inputs)
    this.smallGrid = featureRows(placesOf(SMALL), inputs)
    const kernelRegularizer = regularization === 'none' ? {} : { [regularization]: rate }
    const x = input({ shape: [inputs.length] })
    const values: Symbolic[] = []
    for (const [i, count] of units.entries())
      values.push(
        dense({ name: `hidden${i + 1}`, units: count, activation, kernelRegularizer })(values[i - 1] ?? x),
      )
    const last = values[values.length - 1] ?? x
    values.push(dense({ name: 'output', units: 1, kernelRegularizer })(last))
    this.layerNames = [...units.map((_, i) => `hidden${i + 1}`), 'output']
    this.trained = model({ inputs: x, outputs: values[values.length - 1], seed })
    this.probe = model({ inputs: x, outputs: values, seed })
    if (weights) this.trained.setWeights(weights)
    this.compile(options)
    this.random = randomNumbers(seed + 17)
  }

  /** Another optimizer: the weights stay. */
  compile({ optimizer, learningRate }: NetworkOptions): void {
    this.trained.compile({
      optimizer: optimizers[optimizer]({ learningRate }),
      loss: this.isRegression ? meanSquaredError() : binaryCrossentropy({ fromLogits: true }),
      warnings: false, // the page says it in words
    })
  }

  set learningRate(rate: number) {
    this.trained.learningRate = rate
  }

  weights(): Record<string, FloatArray> {
    return this.trained.getWeights()
  }

  /** Once through the points in a new order. */
  trainEpoch(points: readonly Point[], batchSize: number): void {
    if (this.order.length !== points.length || this.epoch === 0) this.order = [...points]
    shuffle(this.order, this.random)
    for (let from = 0; from < this.order.length; from += batchSize) {
      const { x, y } = rowsOf(this.order.slice(from, from + batchSize), this.inputs)
      this.trained.trainStep(x, y)
      this.steps++
    }
    this.epoch++
  }

  /** The points have changed. */
  forget(): void {
    this.order = []
  }

  /** Mean loss of the points and how good that is, without the penalties of regularization. */
  score({ x, y }: Rows): Score {
    const count = x.shape[0]
    if (count === 0) return { loss: Number.NaN, share: Number.NaN }
    const outputs = this.trained.predict(x, { batchSize: 512 }).data
    return this.isRegression ? scoreOfValues(outputs, y.data) : scoreOfClasses(outputs, y.data)
  }

  /** Every layer's outputs for the small pictures: [SMALL * SMALL, units] each; of two classes the last one are logits. */
  responses(weights: Record<string, FloatArray>): FloatArray[] {
    this.probe.setWeights(weights)
    return this.probe.predict(this.smallGrid, { batchSize: SMALL * SMALL })
  }

  /** A layer's outputs for the map, [SIDE * SIDE, units], with the weights of the last `responses`; -1: the inputs. */
  map(layer: number): FloatArray {
    if (layer < 0) return this.grid
    const batchSize = SIDE * SIDE
    return layer === this.layerNames.length - 1
      ? this.trained.predict(this.grid, { batchSize })
      : this.probe.predict(this.grid, { batchSize })[layer]
  }

  dispose(): void {
    this.trained.dispose()
    this.probe.dispose()
  }
}

function scoreOfClasses(logits: ArrayLike<number>, labels: Float32Array): Score {
  let loss = 0
  let right = 0
  labels.forEach((label, i) => {
    // log(1 + exp(-|z|)) + max(z, 0) - z y
    const logit = logits[i]
    loss += Math.log1p(Math.exp(-Math.abs(logit))) + Math.max(logit, 0) - logit * label
    if (logit > 0 === (label === 1)) right++
  })
  return { loss: loss / labels.length, share: Number.isFinite(loss) ? right / labels.length : Number.NaN }
}

function scoreOfValues(outputs: ArrayLike<number>, labels: Float32Array): Score {
  const mean = labels.reduce((sum, label) => sum + label, 0) / labels.length
  let error = 0
  let variance = 0
  labels.forEach((label, i) => {
    error += (outputs[i] - label) ** 2
    variance += (label - mean) ** 2
  })
  return { loss: error / labels.length, share: 1 - error / variance }
}
