// The network of the Inside tab as the library computes it. Each layer is a dense layer and an activation, so that sums
// and activations can be asked for apart. Several models share the layers' names, hence the weights:
//   trained  x -> yhat                    loss, gradients, updates
//   probe    x -> z, a, q, h, s, yhat     the forward pass
//   tails    a -> yhat, h -> yhat, yhat   the gradient of their input is dL/da, dL/dh, dL/dyhat
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
import {
  type InsideOptions,
  LAYERS,
  layout,
  OUTPUT,
  type Row,
  SIZES,
  type Trace,
  WEIGHT_COUNT,
  type Weights,
} from './shape.ts'

/** Names of the dense layers. */
export const layerNames: readonly string[] = ['hidden1', 'hidden2', 'output']

const flat = (named: Readonly<Record<string, FloatArray>>): Weights => {
  const weights = new Float32Array(WEIGHT_COUNT)
  layout.forEach(({ kernel, bias }, layer) => {
    weights.set(named[`${layerNames[layer]}/kernel`].data, kernel)
    weights.set(named[`${layerNames[layer]}/bias`].data, bias)
  })
  return weights
}

/** Kernels and biases from layer `first` on. */
const named = (weights: Weights, first = 0): Record<string, FloatArray> =>
  Object.fromEntries(
    layout.slice(first).flatMap(({ from, to, kernel, bias, end }, i) => [
      [`${layerNames[first + i]}/kernel`, { shape: [from, to], data: weights.slice(kernel, bias) }],
      [`${layerNames[first + i]}/bias`, { shape: [to], data: weights.slice(bias, end) }],
    ]),
  )

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
  /** From each layer's activations on. */
  private readonly tails: readonly Model<Symbolic>[]
  readonly first: Weights

  constructor({ act, loss, rate, seed }: InsideOptions) {
    const layers = LAYERS.map((layer) => ({
      sum: dense({ name: layerNames[layer], units: SIZES[layer + 1] }),
      bend: activation({
        name: ['a', 'h', 'yhat'][layer],
        activation: layer === OUTPUT ? 'sigmoid' : act,
      }),
    }))
    const x = input({ name: 'x', shape: [SIZES[0]] })
    const values: Symbolic[] = []
    for (const { sum, bend } of layers) {
      const z = sum(values.at(-1) ?? x)
      values.push(z, bend(z))
    }
    this.trained = model({ inputs: x, outputs: values[values.length - 1], seed })
    this.probe = model({ inputs: x, outputs: values })
    this.tails = LAYERS.map((layer) => {
      const from = input({ name: 'from', shape: [SIZES[layer + 1]] })
      const rest = layers.slice(layer + 1)
      const same = activation({ name: 'same', activation: 'linear' })
      const outputs =
        rest.length === 0
          ? same(from)
          : rest.reduce<Symbolic>((value, { sum, bend }) => bend(sum(value)), from)
      return model({ inputs: from, outputs })
    })
    const compiled = {
      optimizer: optimizers.sgd({ learningRate: rate }),
      loss: loss === 'mse' ? meanSquaredError() : binaryCrossentropy(),
      warnings: false, // the page says it in words
    }
    for (const each of [this.trained, ...this.tails]) each.compile(compiled)
    this.first = flat(this.trained.getWeights())
  }

  /** One step from these weights, taken apart. */
  trace(weights: Weights, { x, y }: Row): Trace {
    const { trained, probe, tails } = this
    const xs = [[...x]]
    const ys = [[...y]]
    trained.setWeights(named(weights))
    probe.setWeights(named(weights))
    const outputs = probe.predict(xs).map(({ data }) => data)
    const a = LAYERS.map((layer) => outputs[2 * layer + 1])
    const gradients = trained.gradients(xs, ys)
    const da = LAYERS.map((layer) => {
      if (layer < OUTPUT) tails[layer].setWeights(named(weights, layer + 1))
      return tails[layer].gradients([a[layer]], ys, { inputs: true }).from.data
    })
    const { loss } = trained.trainStep(xs, ys)
    return {
      z: LAYERS.map((layer) => outputs[2 * layer]),
      a,
      loss,
      da,
      dz: layerNames.map((name) => gradients[`${name}/bias`].data),
      dw: flat(gradients),
      next: flat(trained.getWeights()),
    }
  }

  /** The weights after one step. */
  step(weights: Weights, { x, y }: Row): { next: Weights; loss: number } {
    this.trained.setWeights(named(weights))
    const { loss } = this.trained.trainStep([[...x]], [[...y]])
    return { next: flat(this.trained.getWeights()), loss }
  }

  /** Each gradient against (L(w + h) - L(w - h)) / 2h, both losses the library's own. */
  async check(weights: Weights, { x, y }: Row): Promise<Check[]> {
    const { trained } = this
    trained.setWeights(named(weights))
    const gradients = flat(trained.gradients([[...x]], [[...y]]))
    const most = gradients.reduce((max, value) => Math.max(max, Math.abs(value)), 0)
    const lossAt = async (moved: Weights) => {
      trained.setWeights(named(moved))
      return (await trained.evaluate([[...x]], [[...y]])).loss
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
    for (const each of [this.trained, this.probe, ...this.tails]) each.dispose()
  }
}
