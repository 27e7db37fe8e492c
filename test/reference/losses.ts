// Softmax, losses, penalties and metrics in plain float64, straight from their formulas; gradients by central
// differences. For tests alone: uses Math.*, clips nothing but what the formulas say, knows no speed.

export const ELEMENT_LOSSES = [
  'mse',
  'mae',
  'huber',
  'logCosh',
  'poisson',
  'hinge',
  'squaredHinge',
  'bce',
  'bceLogits',
] as const
export const ROW_LOSSES = [
  'cce',
  'cceLogits',
  'sparseCce',
  'sparseCceLogits',
  'klDivergence',
  'categoricalHinge',
  'cosineSimilarity',
] as const

export type ElementLoss = (typeof ELEMENT_LOSSES)[number]
export type RowLoss = (typeof ROW_LOSSES)[number]

export interface LossCase {
  kind: ElementLoss | RowLoss
  rows: number
  cols: number
  /** [rows, cols], or class ids [rows] for the sparse kinds. */
  target: ArrayLike<number>
  /** One weight for each `rowsPerWeight` rows. */
  weights?: ArrayLike<number>
  rowsPerWeight: number
  mean: boolean
  ignoreIndex?: number
  /** Huber's delta, or label smoothing. */
  param: number
  scale: number
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

export function softmax(x: readonly number[]): number[] {
  const most = Math.max(...x)
  const e = x.map((v) => Math.exp(v - most))
  const whole = sum(e)
  return e.map((v) => v / whole)
}

export function logSoftmax(x: readonly number[]): number[] {
  const most = Math.max(...x)
  const rest = Math.log(sum(x.map((v) => Math.exp(v - most))))
  return x.map((v) => v - most - rest)
}

/** l(p, y) of one element; param: delta, or label smoothing. */
export function elementLoss(kind: ElementLoss, p: number, y: number, param: number): number {
  const d = p - y
  switch (kind) {
    case 'mse':
      return d * d
    case 'mae':
      return Math.abs(d)
    case 'huber':
      return Math.abs(d) <= param ? 0.5 * d * d : param * (Math.abs(d) - 0.5 * param)
    case 'logCosh': // log1p(2 sinh^2(d / 2)) = log(cosh(d)), without cancellation near 0
      return Math.log1p(2 * Math.sinh(d / 2) ** 2)
    case 'poisson':
      return p - y * Math.log(p)
    case 'hinge':
      return Math.max(0, 1 - y * p)
    case 'squaredHinge':
      return Math.max(0, 1 - y * p) ** 2
    case 'bce': {
      const q = (1 - param) * y + param / 2
      return -(q * Math.log(p) + (1 - q) * Math.log1p(-p))
    }
    case 'bceLogits': {
      // -(q log s + (1 - q) log(1 - s)) with s = 1 / (1 + e^-p), log s = -softplus(-p)
      const q = (1 - param) * y + param / 2
      return q * softplus(-p) + (1 - q) * softplus(p)
    }
  }
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
}

/** l(p, y) of one row; y is a row of the target's shape. */
export function rowLoss(
  kind: RowLoss,
  p: readonly number[],
  y: readonly number[],
  smoothing: number,
): number {
  const q = y.map((v) => v * (1 - smoothing) + smoothing / y.length)
  const dot = (a: readonly number[], b: readonly number[]) =>
    sum(a.map((v, k) => (v === 0 ? 0 : v * (b[k] as number))))
  switch (kind) {
    case 'cce':
    case 'sparseCce': // Keras: output / sum(output)
      return -dot(
        q,
        p.map((v) => Math.log(v / sum(p))),
      )
    case 'cceLogits':
    case 'sparseCceLogits':
      return -dot(q, logSoftmax(p))
    case 'klDivergence':
      return sum(y.map((v, k) => (v === 0 ? 0 : v * Math.log(v / (p[k] as number)))))
    case 'categoricalHinge':
      return Math.max(0, 1 + Math.max(...p.map((v, k) => (1 - (y[k] as number)) * v)) - dot(y, p))
    case 'cosineSimilarity':
      return 1 - dot(y, p) / Math.sqrt(dot(y, y) * dot(p, p))
  }
}

/** scale / N * sum of w_i l_i. */
export function referenceLoss(c: LossCase, prediction: ArrayLike<number>): number {
  let total = 0
  let terms = 0
  for (let r = 0; r < c.rows; r++) {
    const weight = c.weights?.[Math.floor(r / c.rowsPerWeight)] ?? 1
    const p = Array.from({ length: c.cols }, (_, k) => prediction[r * c.cols + k] as number)
    if (isElementLoss(c.kind)) {
      for (let k = 0; k < c.cols; k++) {
        total += weight * elementLoss(c.kind, p[k] as number, c.target[r * c.cols + k] as number, c.param)
        terms++
      }
      continue
    }
    const sparse = c.kind === 'sparseCce' || c.kind === 'sparseCceLogits'
    if (sparse && c.target[r] === c.ignoreIndex) continue
    const y = p.map((_, k) => (sparse ? Number(c.target[r] === k) : (c.target[r * c.cols + k] as number)))
    total += weight * rowLoss(c.kind, p, y, c.param)
    terms++
  }
  if (terms === 0) return 0
  return (c.scale * total) / (c.mean ? terms : 1)
}

function isElementLoss(kind: LossCase['kind']): kind is ElementLoss {
  return (ELEMENT_LOSSES as readonly string[]).includes(kind)
}

/** Gradient of f at x by central differences of fourth order. */
export function differences(f: (x: Float64Array) => number, x: ArrayLike<number>, h = 2 ** -16): number[] {
  const at = Float64Array.from(x)
  return Array.from(at, (value, i) => {
    const shifted = (steps: number) => {
      at[i] = value + steps * h
      return f(at)
    }
    const near = shifted(1) - shifted(-1)
    const far = shifted(2) - shifted(-2)
    at[i] = value
    return (8 * near - far) / (12 * h)
  })
}
