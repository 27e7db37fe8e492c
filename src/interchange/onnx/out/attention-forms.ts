// Attention and normalizations as ONNX nodes.
import type { AttentionAttributes } from '../../../operations/attention.ts'
import type { ChannelNormalizeAttributes, LayerNormalizeAttributes } from '../../../operations/normalize.ts'
import type { OnnxBuilder } from './builder.ts'
import { type Form, float } from './form.ts'
import type { Tensor } from './tensor.ts'

/** What is added to the score of a key that doesn't count. */
const HIDDEN = -1e9

/** softmax(scale q k^T) v by heads: see operations/attention.ts. */
const attention: Form<AttentionAttributes> = ({ b }, { attributes }, [q, k, v, mask]) => {
  const { heads, scale, causal, masked } = attributes
  const [queries, keys] = [q.dims[1], k.dims[1]]
  // [batch, steps, heads width] to [batch, heads, steps, width], or with the last two swapped
  const byHeads = (x: Tensor, perm: readonly number[]) => {
    const [batch, steps, width] = x.dims
    return b.transpose(b.reshape(x, [batch, steps, heads, width / heads]), perm)
  }
  let scores = b.binary('Mul', b.matmul(byHeads(q, [0, 2, 1, 3]), byHeads(k, [0, 2, 3, 1])), b.scalar(scale))
  const past = Float32Array.from({ length: queries * keys }, (_, at) =>
    at % keys <= Math.floor(at / keys) ? 1 : 0,
  )
  const seen = masked ? b.reshape(mask, [mask.dims[0], 1, 1, keys]) : null
  if (causal)
    scores = b.binary(
      'Add',
      scores,
      b.constant(
        past.map((n) => (n === 1 ? 0 : HIDDEN)),
        [queries, keys],
      ),
    )
  if (seen) {
    const hidden = b.binary('Mul', b.binary('Sub', seen, b.scalar(1)), b.scalar(-HIDDEN))
    scores = b.binary('Add', scores, hidden)
  }
  let [shares] = b.node('Softmax', [scores], [scores.dims], { axis: -1 })
  if (seen) {
    // a query that sees no key gets zeros
    shares = b.binary('Mul', shares, seen)
    if (causal) shares = b.binary('Mul', shares, b.constant(past, [queries, keys]))
  }
  const y = b.transpose(b.matmul(shares, byHeads(v, [0, 2, 1, 3])), [0, 2, 1, 3])
  return b.reshape(y, [q.dims[0], queries, v.dims[2]])
}

const ones = (b: OnnxBuilder, count: number): Tensor => b.filled(1, count)

const layerNormalize: Form<LayerNormalizeAttributes> = ({ b }, { attributes }, [x, ...affine]) => {
  const { rms, epsilon, scale, center } = attributes
  const channels = x.dims[x.dims.length - 1]
  if (!rms) {
    const gamma = scale ? affine[0] : ones(b, channels)
    const beta = center ? [affine[scale ? 1 : 0]] : []
    const own = { axis: -1, epsilon: float(epsilon) }
    return b.node('LayerNormalization', [x, gamma, ...beta], [x.dims], own)[0]
  }
  const mean = b.reduce('ReduceMean', b.binary('Mul', x, x), [x.dims.length - 1])
  const deviation = b.map('Sqrt', b.binary('Add', mean, b.scalar(epsilon)))
  return b.binary('Mul', b.binary('Div', x, deviation), affine[0])
}

/** Groups of channels by their own statistics, as channels of instance normalization. */
const channelNormalize: Form<ChannelNormalizeAttributes> = ({ b }, { attributes }, [x, ...affine]) => {
  const { groups, epsilon, scale, center } = attributes
  const image = b.channelsFirst(x)
  const [batch, channels, ...sizes] = image.dims
  const size = sizes.reduce((product, n) => product * n, channels / groups)
  const inGroups = b.reshape(image, [batch, groups, size])
  const own = { epsilon: float(epsilon) }
  const inputs = [inGroups, ones(b, groups), b.filled(0, groups)]
  const [normal] = b.node('InstanceNormalization', inputs, [inGroups.dims], own)
  let y = b.channelsLast(b.reshape(normal, image.dims))
  if (scale) y = b.binary('Mul', y, affine[0])
  return center ? b.binary('Add', y, affine[scale ? 1 : 0]) : y
}

/** Forms by the names of kernels. */
export const attentionForms: Readonly<Record<string, Form>> = {
  attention: attention as Form,
  layerNormalize: layerNormalize as Form,
  channelNormalize: channelNormalize as Form,
  scaleShift: ({ b }, _, [x, factor, offset]) => b.binary('Add', b.binary('Mul', x, factor), offset),
}
