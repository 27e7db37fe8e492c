// Wrappers that normalize a layer's kernel: by its largest singular value, or each output's column by a length of its own.
import { assign } from '../graph/assign.ts'
import { unaryFunctions } from '../graph/functions.ts'
import { mathematicalFunctions } from '../graph/mathematics.ts'
import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import type { GraphWriter } from '../graph/writer.ts'
import { bringing } from '../numerics/brought.ts'
import { POSITIVE_INTEGER } from '../numerics/errors.ts'
import { normal, streamOf, uniform } from '../numerics/random.ts'
import { initialize } from './initial-weights.ts'
import type { Initializer } from './initializers.ts'
import { type Layer, type LayerKind, type LayerOptions, makeLayer, readLayer } from './layer.ts'
import { type NestedLayer, readNested } from './nested.ts'
import { type Asked, buildReweighted, matrixOf, stopGradientKernel } from './reweighted.ts'

/** The initial numbers of the kernel that `asked` is for, whose full name is `name`. */
function kernelDrawn({ options, shape }: Asked, name: string, seed: number): Float32Array {
  const [rows, columns] = matrixOf(shape)
  const out = new Float32Array(rows * columns)
  initialize(out, options.initializer ?? 'glorotUniform', shape, seed, streamOf(name), { uniform })
  return out
}

/** An initializer of a layer's own, which no file holds; its kind is the one whose values bring how they are drawn. */
const drawing = (draw: (out: Float32Array, seed: number) => void): Initializer =>
  bringing(
    { kind: 'orthogonal' },
    { draw: (out: Float32Array, _: unknown, seed: number) => draw(out, seed) },
  ) as unknown as Initializer

/** Lengths below this count as this (PyTorch's eps). */
const LEAST = 1e-12

/** x / |x| along `axes` in the graph. */
const lengthOf = (g: GraphWriter, x: Value, axes: readonly number[]): Value =>
  ops.binary(
    g,
    'maximum',
    ops.unary(g, mathematicalFunctions.sqrt, ops.sum(g, ops.unary(g, unaryFunctions.square, x), axes, true)),
    LEAST,
  )
const unit = (g: GraphWriter, x: Value): Value => ops.binary(g, 'divide', x, lengthOf(g, x, [1]))

// ---- spectral normalization -----------------------------------------------------------------------

/** Options of `spectralNormalization`. */
export interface SpectralNormalizationOptions extends LayerOptions {
  /** A layer with a kernel: dense, a convolution, attention, a recurrent layer. */
  readonly layer: Layer
  /** Steps of the power iteration in each training step. Default 1. */
  readonly powerIterations?: number
}

/** Initial u (columns) or v (rows): from a normal v, 15 steps of the power iteration on the initial kernel, in float64. */
function singular(
  kernel: Float32Array,
  [rows, columns]: readonly [number, number],
  seed: number,
  stream: number,
) {
  const toUnit = (x: Float64Array) => {
    const length = Math.max(LEAST, Math.sqrt(x.reduce((sum, n) => sum + n * n, 0)))
    return x.map((n) => n / length)
  }
  const start = new Float32Array(rows)
  normal(start, seed, stream)
  let v = toUnit(Float64Array.from(start))
  let u = new Float64Array(columns)
  for (let step = 0; step < 15; step++) {
    u.fill(0)
    kernel.forEach((w, i) => {
      u[i % columns] += v[Math.floor(i / columns)] * w
    })
    u = toUnit(u)
    v = new Float64Array(rows)
    kernel.forEach((w, i) => {
      v[Math.floor(i / columns)] += u[i % columns] * w
    })
    v = toUnit(v)
  }
  return { u, v }
}

interface SpectralConfig {
  readonly layer: NestedLayer
  readonly powerIterations: number
}

export const spectralNormalizationKind: LayerKind<SpectralConfig> = {
  kind: 'spectralNormalization',
  read: (options, kinds) =>
    readLayer('spectralNormalization', options, {
      layer: (value: unknown, what: string) => readNested(what, value, kinds),
      powerIterations: [POSITIVE_INTEGER, 1],
    }),
  outputs: ({ layer: { kind, config } }) => kind.outputs?.(config) ?? 1,
  build(context, inputs, { layer, powerIterations }) {
    return buildReweighted(layer, context.nested('layer'), inputs, (asked) => {
      const { own, shape, options } = asked
      const { g, weight, training } = asked.context
      const kernel = weight(own, shape, options)
      const name = kernel.leaf?.name ?? ''
      const [rows, columns] = matrixOf(shape)
      const state = (part: 'u' | 'v', size: number) =>
        weight(`${own}_${part}`, [1, size], {
          initializer: drawing((out, seed) =>
            out.set(
              singular(kernelDrawn(asked, name, seed), [rows, columns], seed, streamOf(`${name}_v`))[part],
            ),
          ),
          trainable: false,
        })
      const kept = { u: state('u', columns), v: state('v', rows) }
      const matrix = ops.reshape(g, kernel, [rows, columns])
      let { u, v } = kept
      if (training) {
        const [constant] = g.add(stopGradientKernel, [matrix], {})
        for (let step = 0; step < powerIterations; step++) {
          u = unit(g, ops.matmul(g, v, constant))
          v = unit(g, ops.matmul(g, u, constant, { transposeB: true }))
        }
        assign(g, kept.u, u)
        assign(g, kept.v, v)
      }
      // sigma = v W u^T, u and v held constant
      const sigma = ops.matmul(g, ops.matmul(g, v, matrix), u, { transposeB: true })
      return ops.reshape(g, ops.binary(g, 'divide', matrix, sigma), shape)
    })
  },
}

/**
 * Spectral normalization (Miyato et al. 2018): the layer computes with kernel / sigma, sigma the kernel's largest singular value,
 * estimated by a power iteration that each training step carries on. The formulas are those of PyTorch's
 * `torch.nn.utils.parametrizations.spectral_norm`: the gradient goes through sigma, and prediction uses the vectors as training
 * left them. (Keras overwrites the kernel by the normalized one instead.) The kernel as a matrix has its last axis, the outputs,
 * as columns. Weights: `<name>/layer/...`, with `kernel_u` [1, columns] and `kernel_v` [1, rows] beside each kernel, which no
 * gradient moves. All other weights, and a recurrent layer's `recurrent_kernel`, stay as they are.
 * @throws LanegradError on an unknown or bad option; when the model is made, for a layer without a kernel
 * @example
 * ```js
 * import { dense, sequential, spectralNormalization } from 'lanegrad'
 *
 * const layer = dense({ units: 2, useBias: false, kernelInitializer: { kind: 'constant', value: 3 } })
 * const model = sequential({ inputShape: [2], layers: [spectralNormalization({ layer })] })
 * // the largest singular value of the kernel, all 3, is 6
 * console.log([...model.predict([[1, 1]]).data].map((value) => value.toFixed(4)).join(' ')) // 1.0000 1.0000
 * ```
 */
export const spectralNormalization = (options: SpectralNormalizationOptions): Layer =>
  makeLayer(spectralNormalizationKind, options)

// ---- weight normalization -------------------------------------------------------------------------

/** Options of `weightNormalization`. */
export interface WeightNormalizationOptions extends LayerOptions {
  /** A layer with a kernel: dense, a convolution, attention, a recurrent layer. */
  readonly layer: Layer
}

/** The length of each column. */
function columnLengths(kernel: Float32Array, columns: number): Float64Array {
  const sums = new Float64Array(columns)
  kernel.forEach((w, i) => {
    sums[i % columns] += w * w
  })
  return sums.map(Math.sqrt)
}

export const weightNormalizationKind: LayerKind<{ readonly layer: NestedLayer }> = {
  kind: 'weightNormalization',
  read: (options, kinds) =>
    readLayer('weightNormalization', options, {
      layer: (value: unknown, what: string) => readNested(what, value, kinds),
    }),
  outputs: ({ layer: { kind, config } }) => kind.outputs?.(config) ?? 1,
  build(context, inputs, { layer }) {
    return buildReweighted(layer, context.nested('layer'), inputs, (asked) => {
      const { own, shape, options } = asked
      const { g, weight } = asked.context
      const kernel = weight(own, shape, options)
      const name = kernel.leaf?.name ?? ''
      const [rows, columns] = matrixOf(shape)
      const lengths = weight(`${own}_g`, [columns], {
        initializer: drawing((out, seed) => out.set(columnLengths(kernelDrawn(asked, name, seed), columns))),
      })
      const matrix = ops.reshape(g, kernel, [rows, columns])
      const factor = ops.binary(g, 'divide', lengths, lengthOf(g, matrix, [0]))
      return ops.reshape(g, ops.times(g, matrix, factor), shape)
    })
  },
}

/**
 * Weight normalization (Salimans and Kingma 2016): the layer computes with kernel * g / |kernel|, the length taken of each output's
 * column, so that length and direction are learnt apart. The formula is PyTorch's `torch.nn.utils.weight_norm`. Weights:
 * `<name>/layer/...`, with `kernel_g` [outputs] beside each kernel, which starts as the kernel's lengths: at first the layer
 * computes what it would without the wrapper. A recurrent layer's `recurrent_kernel` stays as it is.
 * @throws LanegradError on an unknown option; when the model is made, for a layer without a kernel
 * @example
 * ```js
 * import { dense, sequential, weightNormalization } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2], layers: [weightNormalization({ layer: dense({ units: 1 }), name: 'wn' })] })
 * model.setWeights({ 'wn/layer/kernel': [[3], [4]], 'wn/layer/kernel_g': [10] })
 * console.log(model.predict([[1, 0]]).data[0].toFixed(3)) // 6.000
 * ```
 */
export const weightNormalization = (options: WeightNormalizationOptions): Layer =>
  makeLayer(weightNormalizationKind, options)
