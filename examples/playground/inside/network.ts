// The 2-3-1 network of the Inside tab as the library computes it. Hidden and output layers are a dense layer and an
// activation each, so that z and a can be asked for apart. Four models share the layers' names, hence the weights:
//   trained  x -> yhat              loss, gradients, updates
//   probe    x -> z1, a1, z2, yhat  the forward pass
//   tail     a1 -> yhat             its input's gradient is dL/da1
//   head     yhat -> yhat           its input's gradient is dL/dyhat
// With one row a step, dL/dz of a layer is the gradient of its bias.
import {
  activation,
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

export const HIDDEN = 3

export interface InsideOptions {
  readonly act: 'tanh' | 'sigmoid' | 'relu'
  readonly loss: 'mse' | 'bce'
  readonly rate: number
  readonly seed: number
}

/** w1 [2, 3] by rows, b1 [3], w2 [3], b2 [1]: 13 numbers. */
export type Weights = Float32Array
export const WEIGHT_COUNT = 2 * HIDDEN + HIDDEN + HIDDEN + 1
export const weightNames: readonly string[] = [
  ...[1, 2].flatMap((i) => [1, 2, 3].map((j) => `w${i}${j}`)),
  'b1',
  'b2',
  'b3',
  'v1',
  'v2',
  'v3',
  'c',
]

/** Every quantity of one step. `dw` in the order of Weights. */
export interface Trace {
  readonly z1: ArrayLike<number>
  readonly a1: ArrayLike<number>
  readonly z2: number
  readonly output: number
  readonly loss: number
  readonly dOutput: number
  readonly dz2: number
  readonly da1: ArrayLike<number>
  readonly dz1: ArrayLike<number>
  readonly dw: ArrayLike<number>
  readonly next: ArrayLike<number>
}

export interface Row {
  readonly x: readonly [number, number]
  readonly y: number
}

const parts = [
  ['hidden/kernel', 2 * HIDDEN],
  ['hidden/bias', HIDDEN],
  ['output/kernel', HIDDEN],
  ['output/bias', 1],
] as const

const flat = (named: Readonly<Record<string, FloatArray>>): Weights => {
  const weights = new Float32Array(WEIGHT_COUNT)
  let at = 0
  for (const [name, count] of parts) {
    weights.set(named[name].data, at)
    at += count
  }
  return weights
}

const named = (weights: Weights, only = ''): Record<string, FloatArray> => {
  let at = 0
  const shapes = [[2, HIDDEN], [HIDDEN], [HIDDEN, 1], [1]]
  const result: Record<string, FloatArray> = {}
  parts.forEach(([name, count], i) => {
    if (name.startsWith(only)) result[name] = { shape: shapes[i], data: weights.slice(at, at + count) }
    at += count
  })
  return result
}

/** Half the distance of the two losses of a difference quotient: a power of 2, so that w + h and w - h lose little. */
export const H = 2 ** -7

export interface Check {
  readonly gradient: number
  readonly quotient: number
  readonly error: number
  readonly isGood: boolean
}

/** Above it a gradient doesn't pass: what 32-bit losses h apart leave of it is about a thousandth. */
const TOLERANCE = 0.01

export class InsideNetwork {
  readonly trained: Model<Symbolic>
  private readonly probe: Model<Symbolic[]>
  private readonly tail: Model<Symbolic>
  private readonly head: Model<Symbolic>
  readonly first: Weights

  constructor({ act, loss, rate, seed }: InsideOptions) {
    const hidden = dense({ name: 'hidden', units: HIDDEN })
    const output = dense({ name: 'output', units: 1 })
    const squash = activation({ name: 'yhat', activation: 'sigmoid' })
    const x = input({ name: 'x', shape: [2] })
    const z1 = hidden(x)
    const a1 = activation({ name: 'a', activation: act })(z1)
    const z2 = output(a1)
    const yhat = squash(z2)
    const a1Input = input({ name: 'a1', shape: [HIDDEN] })
    const yhatInput = input({ name: 'yhat_in', shape: [1] })
    this.trained = model({ inputs: x, outputs: yhat, seed })
    this.probe = model({ inputs: x, outputs: [z1, a1, z2, yhat] })
    this.tail = model({ inputs: a1Input, outputs: squash(output(a1Input)) })
    this.head = model({
      inputs: yhatInput,
      outputs: activation({ name: 'same', activation: 'linear' })(yhatInput),
    })
    const compiled = {
      optimizer: optimizers.sgd({ learningRate: rate }),
      loss: loss === 'mse' ? meanSquaredError() : binaryCrossentropy(),
    }
    for (const each of [this.trained, this.tail, this.head]) each.compile(compiled)
    this.first = flat(this.trained.getWeights())
  }

  set rate(rate: number) {
    this.trained.learningRate = rate
  }

  /** One step from these weights, taken apart. */
  trace(weights: Weights, { x, y }: Row): Trace {
    const { trained, probe, tail, head } = this
    const xs = [[...x]]
    const ys = [[y]]
    trained.setWeights(named(weights))
    probe.setWeights(named(weights))
    tail.setWeights(named(weights, 'output'))
    const [z1, a1, z2, yhat] = probe.predict(xs).map(({ data }) => data)
    const dw = trained.gradients(xs, ys)
    const dOutput = head.gradients([[yhat[0]]], ys, { inputs: true }).yhat_in.data[0]
    const da1 = tail.gradients([a1], ys, { inputs: true }).a1.data
    const { loss } = trained.trainStep(xs, ys)
    return {
      z1,
      a1,
      z2: z2[0],
      output: yhat[0],
      loss,
      dOutput,
      dz2: dw['output/bias'].data[0],
      da1,
      dz1: dw['hidden/bias'].data,
      dw: flat(dw),
      next: flat(trained.getWeights()),
    }
  }

  /** The weights after one step. */
  step(weights: Weights, { x, y }: Row): { next: Weights; loss: number } {
    this.trained.setWeights(named(weights))
    const { loss } = this.trained.trainStep([[...x]], [[y]])
    return { next: flat(this.trained.getWeights()), loss }
  }

  /** Each gradient against (L(w + h) - L(w - h)) / 2h, both losses the library's own. */
  async check(weights: Weights, { x, y }: Row): Promise<Check[]> {
    const { trained } = this
    trained.setWeights(named(weights))
    const gradients = flat(trained.gradients([[...x]], [[y]]))
    const most = gradients.reduce((max, value) => Math.max(max, Math.abs(value)), 0)
    const lossAt = async (moved: Weights) => {
      trained.setWeights(named(moved))
      return (await trained.evaluate([[...x]], [[y]])).loss
    }
    const checks: Check[] = []
    for (let i = 0; i < WEIGHT_COUNT; i++) {
      const [up, down] = [weights.slice(), weights.slice()]
      up[i] += H
      down[i] -= H
      const quotient = ((await lossAt(up)) - (await lossAt(down))) / (up[i] - down[i])
      const gradient = gradients[i]
      // a gradient of 0 has no relative error: it is measured against a hundredth of the largest
      const size = Math.max(Math.abs(gradient), Math.abs(quotient), most / 100, 1e-6)
      const error = Math.abs(gradient - quotient) / size
      checks.push({ gradient, quotient, error, isGood: error < TOLERANCE })
    }
    trained.setWeights(named(weights))
    return checks
  }

  dispose(): void {
    for (const each of [this.trained, this.probe, this.tail, this.head]) each.dispose()
  }
}
