// Normalization in float64. Forward: the textbook formulas, in two passes. Backward: each element's own sum over the
// elements of its group, d y_i / d x_j = inverse (delta_ij - 1/n - h_i h_j / n) with h = (x - mean) inverse.
import { unaryFunctions } from '../../../src/graph/functions.ts'
import type { Epilogue } from '../../../src/graph/kernel.ts'
import type {
  ChannelNormalizeAttributes,
  EncodeCategoriesAttributes,
  LayerNormalizeAttributes,
} from '../../../src/operations/normalize.ts'
import { formulaOf } from '../unary.ts'
import type { KernelReference } from './reference.ts'

type Numbers = ArrayLike<number>

interface Group {
  /** Positions in x. */
  readonly at: readonly number[]
  readonly mean: number
  readonly variance: number
}

/** Statistics of the elements at `at`; about 0 if `rms`. */
function groupOf(x: Numbers, at: readonly number[], rms = false): Group {
  const mean = rms ? 0 : at.reduce((sum, i) => sum + x[i], 0) / at.length
  const variance = at.reduce((sum, i) => sum + (x[i] - mean) ** 2, 0) / at.length
  return { at, mean, variance }
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** The positions of each row. */
const rowsOf = (count: number, cols: number): number[][] =>
  range(count / cols).map((r) => range(cols).map((j) => r * cols + j))

/** The positions of each group of channels of each sample. */
function channelGroups(count: number, channels: number, { samples, groups }: ChannelNormalizeAttributes) {
  const perSample = count / samples
  const width = channels / groups
  return range(samples * groups).map((k) =>
    range(perSample)
      .map((i) => Math.floor(k / groups) * perSample + i)
      .filter((i) => Math.floor((i % channels) / width) === k % groups),
  )
}

function forward(x: Numbers, groups: readonly Group[], channels: number, epsilon: number, affine: Affine) {
  const y = new Float64Array(x.length)
  for (const { at, mean, variance } of groups) {
    for (const i of at) {
      const c = i % channels
      y[i] =
        ((x[i] - mean) / Math.sqrt(variance + epsilon)) * (affine.gamma?.[c] ?? 1) + (affine.beta?.[c] ?? 0)
    }
  }
  return y
}

interface Affine {
  readonly gamma?: Numbers
  readonly beta?: Numbers
}
const affineOf = (rest: readonly Numbers[], scale: boolean, center: boolean): Affine => ({
  gamma: scale ? rest[0] : undefined,
  beta: center ? rest[scale ? 1 : 0] : undefined,
})

interface Saved {
  readonly at: readonly number[]
  readonly mean: number
  readonly inverse: number
}

/** dx, dgamma, dbeta; `rms`: no mean, so that nothing flows through it. */
function backward(
  dy: Numbers,
  x: Numbers,
  groups: readonly Saved[],
  channels: number,
  gamma: Numbers | undefined,
  rms: boolean,
) {
  const dx = new Float64Array(x.length)
  const dgamma = new Float64Array(channels)
  const dbeta = new Float64Array(channels)
  for (const { at, mean, inverse } of groups) {
    const h = (i: number) => (x[i] - mean) * inverse
    for (const j of at) {
      for (const i of at) {
        const g = dy[i] * (gamma?.[i % channels] ?? 1)
        const slope = (i === j ? 1 : 0) - (rms ? 0 : 1 / at.length) - (h(i) * h(j)) / at.length
        dx[j] += g * inverse * slope
      }
      dgamma[j % channels] += dy[j] * h(j)
      dbeta[j % channels] += dy[j]
    }
  }
  return { dx, dgamma, dbeta }
}

const wanted = (
  { dx, dgamma, dbeta }: ReturnType<typeof backward>,
  { scale, center }: { readonly scale: boolean; readonly center: boolean },
) => [dx, ...(scale ? [dgamma] : []), ...(center ? [dbeta] : [])]

const lastOf = (shape: readonly number[]): number => shape[shape.length - 1]

/** A mean as a float, and what is left. */
const high = ({ mean }: { mean: number }) => Math.fround(mean)
const rest = ({ mean }: { mean: number }) => mean - Math.fround(mean)

const layerNormalize: KernelReference<LayerNormalizeAttributes> = (
  { inputs, attributes },
  [x, ...affine],
) => {
  const { epsilon, rms, scale, center } = attributes
  const cols = lastOf(inputs[0].shape)
  const rows = rowsOf(x.length, cols).map((at) => groupOf(x, at, rms))
  const inverse = Float64Array.from(rows, ({ variance }) => 1 / Math.sqrt(variance + epsilon))
  const y = forward(x, rows, cols, epsilon, affineOf(affine, scale, center))
  return rms ? [y, inverse] : [y, inverse, Float64Array.from([...rows.map(high), ...rows.map(rest)])]
}

const layerNormalizeGrad: KernelReference<LayerNormalizeAttributes> = ({ inputs, attributes }, arrays) => {
  const { rms, scale } = attributes
  const [dy, x, inverses, ...rest] = arrays
  const cols = lastOf(inputs[1].shape)
  const rows = rowsOf(x.length, cols).map((at, r) => ({
    at,
    mean: rms ? 0 : rest[0][r] + rest[0][rest[0].length / 2 + r],
    inverse: inverses[r],
  }))
  return wanted(backward(dy, x, rows, cols, scale ? rest[rest.length - 1] : undefined, rms), attributes)
}

const channelNormalize: KernelReference<ChannelNormalizeAttributes> = (
  { inputs, attributes },
  [x, ...affine],
) => {
  const { epsilon, scale, center } = attributes
  const channels = lastOf(inputs[0].shape)
  const groups = channelGroups(x.length, channels, attributes).map((at) => groupOf(x, at))
  return [
    forward(x, groups, channels, epsilon, affineOf(affine, scale, center)),
    Float64Array.from(groups, high),
    Float64Array.from(groups, ({ variance }) => variance),
    Float64Array.from(groups, rest),
  ]
}

const channelNormalizeGrad: KernelReference<ChannelNormalizeAttributes> = (
  { inputs, attributes },
  [dy, x, mean, variance, rest, gamma],
) => {
  const channels = lastOf(inputs[1].shape)
  const groups = channelGroups(x.length, channels, attributes).map((at, k) => ({
    at,
    mean: mean[k] + rest[k],
    inverse: 1 / Math.sqrt(variance[k] + attributes.epsilon),
  }))
  return wanted(backward(dy, x, groups, channels, gamma, false), attributes)
}

const scaleShift: KernelReference<{ readonly epilogue: Epilogue | null }> = (
  { attributes: { epilogue } },
  [x, factor, offset],
) => {
  const cols = factor.length
  const f = formulaOf(epilogue?.fn ?? unaryFunctions.linear)
  return [
    Float64Array.from(x, (own, i) => f(own * factor[i % cols] + offset[i % cols], epilogue?.alpha ?? 0)),
  ]
}

const encodeCategories: KernelReference<EncodeCategoriesAttributes> = (
  { inputs, output, attributes: { tokens, count } },
  [ids],
) => {
  const perRow = lastOf(inputs[0].shape)
  const out = new Float64Array(output.shape.reduce((a, b) => a * b, 1))
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] < 0 || ids[i] >= tokens) continue
    const at = Math.floor(i / perRow) * tokens + ids[i]
    out[at] = count ? out[at] + 1 : 1
  }
  return [out]
}

export const normalizeReferences = {
  layerNormalize,
  layerNormalizeGrad,
  channelNormalize,
  channelNormalizeGrad,
  encodeCategories,
  scaleShift,
}
