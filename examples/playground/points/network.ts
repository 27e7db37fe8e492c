// The network of the Points tab. Two models share the description: `trained` has one output and the loss, `probe` gives
// every layer's output and gets the weights before it is asked, so that training carries none of what is only shown.
import {
  type Activation,
  binaryCrossentropy,
  dense,
  type FloatArray,
  input,
  type Model,
  model,
  optimizers,
  type Symbolic,
} from 'lanegrad'
import { type Point, type Rows, randomNumbers, rowsOf, shuffle } from './data.ts'
import { gridRows, SIDE } from './grid.ts'

export interface NetworkOptions {
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
  readonly accuracy: number
}

export class Network {
  epoch = 0
  steps = 0
  readonly layerNames: readonly string[]
  private readonly trained: Model<Symbolic>
  private readonly probe: Model<Symbolic[]>
  private readonly grid = gridRows()
  private readonly random: () => number
  private order: Point[] = []

  constructor(options: NetworkOptions, weights: Record<string, FloatArray> | null = null) {
    const { units, activation, regularization, rate, seed } = options
    const kernelRegularizer = regularization === 'none' ? {} : { [regularization]: rate }
    const x = input({ shape: [2] })
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
      loss: binaryCrossentropy({ fromLogits: true }),
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
      const { x, y } = rowsOf(this.order.slice(from, from + batchSize))
      this.trained.trainStep(x, y)
      this.steps++
    }
    this.epoch++
  }

  /** The points have changed. */
  forget(): void {
    this.order = []
  }

  /** Mean cross-entropy and share of points on the right side, without the penalties of regularization. */
  score({ x, y }: Rows): Score {
    const count = x.shape[0]
    if (count === 0) return { loss: Number.NaN, accuracy: Number.NaN }
    const logits = this.trained.predict(x, { batchSize: 512 }).data
    let loss = 0
    let right = 0
    logits.forEach((logit, i) => {
      // log(1 + exp(-|z|)) + max(z, 0) - z y
      loss += Math.log1p(Math.exp(-Math.abs(logit))) + Math.max(logit, 0) - logit * y.data[i]
      if (logit > 0 === (y.data[i] === 1)) right++
    })
    return { loss: loss / count, accuracy: Number.isFinite(loss) ? right / count : Number.NaN }
  }

  /** Every layer's outputs on the grid: [SIDE * SIDE, units] each, the last one logits. */
  responses(weights: Record<string, FloatArray>): FloatArray[] {
    this.probe.setWeights(weights)
    return this.probe.predict(this.grid, { batchSize: SIDE * SIDE })
  }

  dispose(): void {
    this.trained.dispose()
    this.probe.dispose()
  }
}
