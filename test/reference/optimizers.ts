// The optimizers in plain float64, one parameter at a time, straight from their formulas. For tests alone.
// Source of the formulas: the papers, in the form PyTorch gives them (nadam as PyTorch 2).

export type OptimizerName =
  | 'sgd'
  | 'rmsprop'
  | 'adagrad'
  | 'adadelta'
  | 'adam'
  | 'adamw'
  | 'nadam'
  | 'radam'
  | 'adamax'
  | 'lion'

export interface OptimizerSettings {
  name: OptimizerName
  learningRate: number
  rho?: number
  beta1?: number
  beta2?: number
  epsilon?: number
  momentum?: number
  nesterov?: boolean
  centered?: boolean
  amsgrad?: boolean
  weightDecay?: number
  momentumDecay?: number
}

/** The parameter after a step with each of the gradients in turn. */
export function referenceSteps(o: OptimizerSettings, start: number, gradients: readonly number[]): number {
  const { learningRate: lr, rho = 0.9, beta1 = 0.9, beta2 = 0.999, epsilon = 0, momentum = 0 } = o
  const { weightDecay = 0, momentumDecay = 0.004 } = o
  let p = start
  let m = 0
  let s = 0 // second moment, whatever its name
  let u = 0 // the third slot: velocity, accumulated update, maximum
  let product = 1
  const mu = (t: number) => beta1 * (1 - 0.5 * 0.96 ** (t * momentumDecay))
  gradients.forEach((raw, step) => {
    const t = step + 1
    const g = o.name === 'adamw' || o.name === 'lion' ? raw : raw + weightDecay * p
    const before = m
    const bias1 = 1 - beta1 ** t
    const bias2 = 1 - beta2 ** t
    const moments = () => {
      m = beta1 * m + (1 - beta1) * g
      s = beta2 * s + (1 - beta2) * g * g
    }
    switch (o.name) {
      case 'sgd':
        u = momentum * u + g
        p -= lr * (o.nesterov ? g + momentum * u : u)
        break
      case 'rmsprop': {
        s = rho * s + (1 - rho) * g * g
        m = rho * m + (1 - rho) * g
        u = momentum * u + g / (Math.sqrt(o.centered ? s - m * m : s) + epsilon)
        p -= lr * u
        break
      }
      case 'adagrad':
        s += g * g
        p -= (lr * g) / (Math.sqrt(s) + epsilon)
        break
      case 'adadelta': {
        s = rho * s + (1 - rho) * g * g
        const d = (Math.sqrt(u + epsilon) / Math.sqrt(s + epsilon)) * g
        u = rho * u + (1 - rho) * d * d
        p -= lr * d
        break
      }
      case 'adam':
      case 'adamw':
        if (o.name === 'adamw') p *= 1 - lr * weightDecay
        moments()
        u = Math.max(u, s)
        p -= (lr * (m / bias1)) / (Math.sqrt((o.amsgrad ? u : s) / bias2) + epsilon)
        break
      case 'nadam': {
        moments()
        product *= mu(t)
        const d = Math.sqrt(s / bias2) + epsilon
        p -= (lr * (1 - mu(t)) * g) / (1 - product) / d + (lr * mu(t + 1) * m) / (1 - product * mu(t + 1)) / d
        break
      }
      case 'radam': {
        moments()
        const limit = 2 / (1 - beta2) - 1
        const r = limit - (2 * t * beta2 ** t) / bias2
        const adaptive = () =>
          (Math.sqrt(((r - 4) * (r - 2) * limit) / ((limit - 4) * (limit - 2) * r)) * Math.sqrt(bias2)) /
          (Math.sqrt(s) + epsilon)
        p -= lr * (m / bias1) * (r > 5 ? adaptive() : 1)
        break
      }
      case 'adamax':
        m = beta1 * m + (1 - beta1) * g
        u = Math.max(beta2 * u, Math.abs(g) + epsilon)
        p -= ((lr / bias1) * m) / u
        break
      case 'lion':
        p -= lr * (Math.sign(beta1 * before + (1 - beta1) * g) + weightDecay * p)
        m = beta2 * before + (1 - beta2) * g
        break
    }
  })
  return p
}
