// A dense layer whose product is written as an equation of axes, as Keras's EinsumDense: 'abc,cde->abde'. The equation is read
// when the layer is made; the graph gets one matrix product, or one for each index of axes that input, kernel and output share.
import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import { check, fail, orNull, POSITIVE_INTEGER } from '../numerics/errors.ts'
import { shapeText } from '../numerics/shape.ts'
import { batchMatmul } from '../operations/attention.ts'
import { type Activation, activate, readActivation } from './activations.ts'
import { type Layer, type LayerKind, type LayerOptions, makeLayer, readLayer } from './layer.ts'
import { singleInput, weightOptions, weightReaders } from './options.ts'
import type { BiasOptions, KernelOptions } from './weights.ts'

/** Options of `einsumDense`. */
export interface EinsumDenseOptions extends LayerOptions, KernelOptions, BiasOptions {
  /**
   * The axes of input, kernel and output by letters: 'ab,bc->ac' is a dense layer. The first is the batch's. '...' in input and
   * output stands for any axes.
   */
  readonly equation: string
  /**
   * The shape of the output without the batch axis (and those of '...'), null for an axis of the input; one number for one
   * axis.
   */
  readonly outputShape: number | readonly (number | null)[]
  /** The letters of the output's axes that have a bias. Default null: no bias. */
  readonly biasAxes?: string | null
  /** Default 'linear'. */
  readonly activation?: Activation
}

const EXPECTED = "an equation such as 'abc,cd->abd'"
const UNIQUE = /^(?!.*([a-zA-Z]).*\1)[a-zA-Z]*(\.\.\.)?[a-zA-Z]*$/

/** The three sides of an equation. @throws LanegradError */
function sidesOf(equation: string, what: string): readonly [input: string, kernel: string, output: string] {
  const [, input, kernel, output] = /^([^,]+),([^,>-]+)->(.+)$/.exec(equation) ?? []
  const fits =
    input !== undefined &&
    [input, kernel, output].every((side) => UNIQUE.test(side)) &&
    !kernel.includes('.') &&
    input.includes('.') === output.includes('.')
  check(fits, what, EXPECTED, equation)
  const letters = (side: string) => [...side.replace('...', '')]
  const lost = letters(output).find((letter) => !input.includes(letter) && !kernel.includes(letter))
  check(lost === undefined, what, `an equation whose output has no axis of its own (${lost})`, equation)
  const free = letters(kernel).find((letter) => !input.includes(letter) && !output.includes(letter))
  check(free === undefined, what, `an equation whose kernel has no axis of its own (${free})`, equation)
  const isBatch = input[0] === output[0] && !kernel.includes(input[0])
  check(isBatch, what, 'an equation whose input and output begin with the batch axis', equation)
  return [input, kernel, output]
}

function readEinsum(options: object) {
  const kind = 'einsumDense'
  const config = readLayer(kind, options, {
    equation: (value: unknown, what: string) => {
      check(typeof value === 'string', what, EXPECTED, value)
      sidesOf(value, what)
      return value
    },
    outputShape: (value: unknown, what: string) => {
      const list: readonly unknown[] = Array.isArray(value) ? [...value] : [value]
      check(list.every(orNull(POSITIVE_INTEGER).holds), what, 'a list of positive integers (or null)', value)
      return list as readonly (number | null)[]
    },
    biasAxes: [
      (value: unknown, what: string) => {
        const expected = "letters of the output's axes"
        check(
          value === null || (typeof value === 'string' && /^[a-zA-Z]+$/.test(value)),
          what,
          expected,
          value,
        )
        return value as string | null
      },
      null,
    ],
    activation: [readActivation, 'linear'],
    ...weightReaders({ kernel: 'glorotUniform', bias: 'zeros' }),
  })
  const { equation, outputShape, biasAxes } = config
  const [input, , output] = sidesOf(equation, `${kind}: equation`)
  const axes = [...output.replace('...', '')].slice(input.startsWith('...') ? 0 : 1)
  const expected = `a size for each of the axes ${axes.join(', ')}`
  check(outputShape.length === axes.length, `${kind}: outputShape`, expected, outputShape)
  const odd = [...(biasAxes ?? '')].find((letter) => !output.slice(1).includes(letter))
  check(odd === undefined, `${kind}: biasAxes`, `letters of the output's axes in ${equation}`, biasAxes)
  return config
}

export const einsumDenseKind: LayerKind<ReturnType<typeof readEinsum>> = {
  kind: 'einsumDense',
  read: readEinsum,
  build(context, inputs, config) {
    const { g, weight } = context
    const { equation, outputShape, biasAxes, activation } = config
    const x = singleInput(inputs)
    const sides = sidesOf(equation, 'equation')
    const named = sides[0].replace('...', '').length
    const open = x.shape.length - named
    if (sides[0].includes('.') ? open < 0 : open !== 0)
      fail(`expected an input of the axes ${sides[0]}; got ${shapeText(x.shape)}`)
    const digits = Array.from({ length: open }, (_, i) => String.fromCharCode(0x100 + i)).join('')
    const [input, kernel, output] = sides.map((side) => [...side.replace('...', digits)])

    const sizes = new Map(input.map((letter, i) => [letter, x.shape[i]]))
    const own = [...sides[2].replace('...', '')].slice(-outputShape.length)
    own.forEach((letter, i) => {
      const known = sizes.get(letter)
      const size = outputShape[i] ?? known ?? fail(`outputShape must give the size of axis ${letter}`)
      if (known !== undefined && known !== size)
        fail(`axis ${letter} has ${known} elements in the input and ${size} in outputShape`)
      sizes.set(letter, size)
    })
    const sizesOf = (letters: readonly string[]) => letters.map((letter) => sizes.get(letter) as number)
    const countOf = (letters: readonly string[]) => sizesOf(letters).reduce((product, n) => product * n, 1)

    const inAll = input.filter((letter) => kernel.includes(letter) && output.includes(letter))
    const summed = input.filter((letter) => kernel.includes(letter) && !output.includes(letter))
    const rows = input.filter((letter) => !kernel.includes(letter) && output.includes(letter))
    const columns = kernel.filter((letter) => !input.includes(letter))
    const dropped = input.flatMap((letter, axis) =>
      kernel.includes(letter) || output.includes(letter) ? [] : axis,
    )
    const left = input.filter((_, axis) => !dropped.includes(axis))
    const ordered = (value: Value, from: readonly string[], to: readonly string[]) => {
      const axes = to.map((letter) => from.indexOf(letter))
      return axes.every((axis, i) => axis === i) ? value : ops.permute(g, value, axes)
    }
    const w = weight('kernel', sizesOf(kernel), weightOptions(config, 'kernel'))
    const [batch, M, K, N] = [inAll, rows, summed, columns].map(countOf)
    const a = ordered(dropped.length > 0 ? ops.sum(g, x, dropped) : x, left, [...inAll, ...rows, ...summed])
    const b = ordered(w, kernel, [...inAll, ...summed, ...columns])
    const product =
      inAll.length === 0
        ? ops.matmul(g, ops.reshape(g, a, [M, K]), ops.reshape(g, b, [K, N]))
        : batchMatmul(g, ops.reshape(g, a, [batch, M, K]), ops.reshape(g, b, [batch, K, N]))
    const made = [...inAll, ...rows, ...columns]
    let y = ordered(ops.reshape(g, product, sizesOf(made)), made, output)
    if (biasAxes !== null) {
      const at = output.filter((letter) => biasAxes.includes(letter))
      const bias = weight('bias', sizesOf(at), weightOptions(config, 'bias'))
      const shape = output.map((letter) => (at.includes(letter) ? (sizes.get(letter) as number) : 1))
      y = ops.plus(g, y, ops.reshape(g, bias, shape))
    }
    return activate(g, activation, y)
  },
}

/**
 * A dense layer by an equation: the kernel's shape follows from the equation, the input and outputShape, as in Keras's
 * `EinsumDense`. Weights `kernel` with the axes of the equation's second side, `bias` with those of biasAxes in the output's
 * order. An axis of the input alone that the output lacks is summed over.
 * @throws LanegradError on an equation that isn't one, an unknown or bad option; when the model is made, for an input that
 *   doesn't fit
 * @example
 * ```js
 * import { einsumDense, sequential } from 'lanegrad'
 *
 * // the projection of a transformer, to 4 heads of 8 channels
 * const layer = einsumDense({ equation: 'abc,cde->abde', outputShape: [null, 4, 8], biasAxes: 'de', name: 'heads' })
 * const model = sequential({ inputShape: [10, 16], layers: [layer] })
 * console.log(model.predict(new Float32Array(160)).shape) // [ 1, 10, 4, 8 ]
 * console.log(model.getWeights()['heads/kernel'].shape) // [ 16, 4, 8 ]
 * ```
 */
export const einsumDense = (options: EinsumDenseOptions): Layer => makeLayer(einsumDenseKind, options)
