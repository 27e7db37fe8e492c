// What layers compose of several operations although ONNX has an operator for the whole. Enters: the last operation of such a group.
// Leaves: its output as a node, or null where the operation is something else.
import { kernelText, type Op } from '../../../graph/kernel.ts'
import type { BinaryName } from '../../../graph/ops/broadcast.ts'
import type { Value } from '../../../graph/value.ts'
import { type FormContext, float } from './form.ts'
import type { Tensor } from './tensor.ts'

/** The inputs of the operation that makes `value`, if it is `kernel` with the function `fn`. */
function partsOf(
  { trace }: FormContext,
  value: Value | undefined,
  kernel: 'binary' | 'unary',
  fn: BinaryName | 'sqrt' | 'reciprocal' | 'negate',
): readonly Value[] | null {
  const op = value && trace.producerOf(value)
  return op && kernelText(op) === `${kernel} ${fn}` ? op.inputs : null
}

const isWeight = (value: Value | undefined, name: string): value is Value =>
  value?.leaf?.kind === 'parameter' && value.leaf.name.endsWith(`/${name}`)

/** Batch normalization by moving statistics: x factor + offset of each channel, both made of weights. */
export function batchNormalizationOf(context: FormContext, op: Op): Tensor | null {
  const { b, tensorOf } = context
  const [x, factor, offset] = op.kernel.name === 'scaleShift' ? op.inputs : []
  if (!x || x.shape.length < 2) return null
  // gamma / sqrt(variance + epsilon), or 1 / ...
  const [gamma, divisor] = partsOf(context, factor, 'binary', 'divide') ?? []
  const [deviation] = divisor ? [divisor] : (partsOf(context, factor, 'unary', 'reciprocal') ?? [])
  const [sum] = partsOf(context, deviation, 'unary', 'sqrt') ?? []
  const [variance, epsilon] = partsOf(context, sum, 'binary', 'add') ?? []
  // beta - mean factor, or -...
  const [beta, subtracted] = partsOf(context, offset, 'binary', 'subtract') ?? []
  const [shift] = subtracted ? [subtracted] : (partsOf(context, offset, 'unary', 'negate') ?? [])
  const [mean, again] = partsOf(context, shift, 'binary', 'multiply') ?? []
  const isIt = isWeight(variance, 'moving_variance') && isWeight(mean, 'moving_mean') && again === factor
  if (!isIt || !epsilon?.leaf?.data) return null
  const channels = mean.shape[0]
  const image = b.channelsFirst(tensorOf(x))
  const inputs = [
    image,
    gamma ? tensorOf(gamma) : b.filled(1, channels),
    beta ? tensorOf(beta) : b.filled(0, channels),
    tensorOf(mean),
    tensorOf(variance),
  ]
  const own = { epsilon: float(epsilon.leaf.data[0]) }
  return b.channelsLast(b.node('BatchNormalization', inputs, [image.dims], own)[0])
}

const isZero = (value: Value | undefined): boolean =>
  value?.leaf?.data?.length === 1 && value.leaf.data[0] === 0

/** prelu: max(x, 0) + alpha min(x, 0). */
export function preluOf(context: FormContext, op: Op): Tensor | null {
  const [above, scaled] = partsOf(context, op.output, 'binary', 'add') ?? []
  const [x, zero] = partsOf(context, above, 'binary', 'maximum') ?? []
  const [alpha, below] = partsOf(context, scaled, 'binary', 'multiply') ?? []
  const [same, other] = partsOf(context, below, 'binary', 'minimum') ?? []
  if (!x || !alpha || same !== x || !isZero(zero) || !isZero(other)) return null
  if (alpha.leaf?.kind !== 'parameter' || alpha.shape.length > x.shape.length) return null
  return context.b.binary('PRelu', context.tensorOf(x), context.tensorOf(alpha))
}
