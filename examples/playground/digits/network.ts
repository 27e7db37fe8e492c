// The network of the Digits tab: 784 pixels, hidden layers, 10 logits; trained in short steps. `probe` has every layer's
// output and gets the weights before it is asked; `tested` keeps the weights a test has begun with.
import {
  type Activation,
  dense,
  input,
  type Model,
  model,
  optimizers,
  type Symbolic,
  sparseCategoricalCrossentropy,
} from 'lanegrad'
import { randomNumbers } from '../points/data.ts'
import { type Digits, gather, PIXELS } from './data.ts'

export interface NetworkOptions {
  readonly units: readonly number[]
  readonly activation: Activation
  readonly optimizer: keyof typeof optimizers
  readonly learningRate: number
  readonly seed: number
}

export interface Answer {
  readonly probabilities: Float32Array
  /** Of each hidden layer. */
  readonly hidden: readonly Float32Array[]
}

/** Rows asked at once while testing: a millisecond or two, so that a frame bears it. */
const TEST_ROWS = 200

export class Network {
  samples = 0
  private readonly trained: Model<Symbolic>
  private readonly probe: Model<Symbolic[]>
  private readonly tested: Model<Symbolic>
  private readonly digits: Digits
  private readonly order: Uint32Array
  private readonly random: () => number
  private at = 0
  private testAt = 0
  private testRight = 0

  constructor(digits: Digits, { units, activation, optimizer, learningRate, seed }: NetworkOptions) {
    this.digits = digits
    const x = input({ shape: [PIXELS] })
    const values: Symbolic[] = []
    units.forEach((count, i) => {
      values.push(dense({ name: `hidden${i + 1}`, units: count, activation })(values[i - 1] ?? x))
    })
    values.push(dense({ name: 'output', units: 10 })(values[values.length - 1]))
    this.trained = model({ inputs: x, outputs: values[values.length - 1], seed })
    this.probe = model({ inputs: x, outputs: values, seed })
    this.tested = model({ inputs: x, outputs: values[values.length - 1], seed })
    this.trained.compile({
      optimizer: optimizers[optimizer]({ learningRate }),
      loss: sparseCategoricalCrossentropy({ fromLogits: true }),
      metrics: ['accuracy'],
      warnings: false, // the page says it in words
    })
    this.random = randomNumbers(seed)
    this.order = Uint32Array.from({ length: digits.train.count }, (_, i) => i)
    this.shuffle()
  }

  set learningRate(rate: number) {
    this.trained.learningRate = rate
  }

  get epochs(): number {
    return this.samples / this.digits.train.count
  }

  private shuffle(): void {
    const { order } = this
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor(this.random() * (i + 1))
      const kept = order[i]
      order[i] = order[j]
      order[j] = kept
    }
  }

  /** One step; loss and accuracy of its batch, before the update. */
  step(batchSize: number): { loss: number; accuracy: number } {
    const { train } = this.digits
    if (this.at + batchSize > train.count) {
      this.at = 0
      this.shuffle()
    }
    const { x, y } = gather(train, this.order, this.at, this.at + batchSize)
    this.at += batchSize
    this.samples += batchSize
    const { loss, accuracy } = this.trained.trainStep(x, y)
    return { loss, accuracy }
  }

  /** The next piece begins a test of the weights as they are then. */
  beginTest(): void {
    this.testAt = 0
    this.testRight = 0
  }

  /** Goes on testing by a piece; the share of right answers when the last piece is done, null before. */
  testPiece(): number | null {
    const { test } = this.digits
    if (this.testAt === 0) this.tested.setWeights(this.trained.getWeights())
    const to = Math.min(test.count, this.testAt + TEST_ROWS)
    const { x, y } = gather(test, null, this.testAt, to)
    const { data } = this.tested.predict(x)
    y.data.forEach((label, row) => {
      if (largest(data.subarray(row * 10, row * 10 + 10)) === label) this.testRight++
    })
    this.testAt = to
    if (to < test.count) return null
    const share = this.testRight / test.count
    this.beginTest()
    return share
  }

  /** What the network makes of one image, layer by layer. */
  ask(image: Float32Array): Answer {
    this.probe.setWeights(this.trained.getWeights())
    const outputs = this.probe.predict({ shape: [1, PIXELS], data: image })
    const logits = outputs[outputs.length - 1].data
    const most = Math.max(...logits)
    const powers = logits.map((logit) => Math.exp(logit - most))
    const sum = powers.reduce((a, b) => a + b, 0)
    return {
      probabilities: powers.map((power) => power / sum),
      hidden: outputs.slice(0, -1).map(({ data }) => data),
    }
  }

  /** [784, units] of the first layer. */
  firstKernel(): { data: Float32Array; units: number } {
    const { data, shape } = this.trained.getWeights()['hidden1/kernel']
    return { data, units: shape[1] }
  }

  dispose(): void {
    this.trained.dispose()
    this.probe.dispose()
    this.tested.dispose()
  }
}

export const largest = (values: Float32Array): number => {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i
  return best
}
