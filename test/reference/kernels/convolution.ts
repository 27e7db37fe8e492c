// Convolutions in float64, by their definition: one walk over every (output position, tap, channel, filter) that meets
// an input cell, whatever is then done with the three indices.
import type { Value } from '../../../src/graph/value.ts'
import type { ConvGeometry } from '../../../src/operations/convolution-words.ts'
import type { KernelReference } from './reference.ts'

type Visit = (x: number, w: number, y: number) => void

/** image [N, D, H, W, C], y [N, OD, OH, OW, F]; w [kd, kh, kw, C / groups, F], depthwise [kd, kh, kw, C, F / C]. */
function walk(image: Value, y: Value, geometry: ConvGeometry, isDepthwise: boolean, visit: Visit): void {
  const { kernel, strides, dilations, before, groups } = geometry
  const [N, OD, OH, OW, F] = y.shape
  const [, D, H, W, C] = image.shape
  const [channels, filters] = isDepthwise ? [1, F / C] : [C / groups, F / groups]
  const inputOf = (axis: number, position: number, tap: number) =>
    position * strides[axis] - before[axis] + tap * dilations[axis]
  for (let n = 0; n < N; n++)
    for (let od = 0; od < OD; od++)
      for (let oh = 0; oh < OH; oh++)
        for (let ow = 0; ow < OW; ow++)
          for (let i = 0; i < kernel[0]; i++)
            for (let j = 0; j < kernel[1]; j++)
              for (let k = 0; k < kernel[2]; k++) {
                const [d, h, w] = [inputOf(0, od, i), inputOf(1, oh, j), inputOf(2, ow, k)]
                if (d < 0 || d >= D || h < 0 || h >= H || w < 0 || w >= W) continue
                const tap = (i * kernel[1] + j) * kernel[2] + k
                const cell = (((n * D + d) * H + h) * W + w) * C
                const position = (((n * OD + od) * OH + oh) * OW + ow) * F
                for (let f = 0; f < F; f++)
                  for (let c = 0; c < channels; c++) {
                    const group = Math.floor(f / filters)
                    visit(cell + group * channels + c, (tap * channels + c) * F + f, position + f)
                  }
              }
}

const empty = ({ output }: { readonly output: Value }) =>
  new Float64Array(output.shape.reduce((product, size) => product * size, 1))

const forward =
  (isDepthwise: boolean): KernelReference<ConvGeometry> =>
  (op, [x, w]) => {
    const out = empty(op)
    walk(op.inputs[0], op.output, op.attributes, isDepthwise, (i, j, k) => {
      out[k] += x[i] * w[j]
    })
    return [out]
  }

const inputGrad =
  (isDepthwise: boolean): KernelReference<ConvGeometry> =>
  (op, [dy, w]) => {
    const out = empty(op)
    walk(op.output, op.inputs[0], op.attributes, isDepthwise, (i, j, k) => {
      out[i] += dy[k] * w[j]
    })
    return [out]
  }

const weightGrad =
  (isDepthwise: boolean): KernelReference<ConvGeometry> =>
  (op, [x, dy]) => {
    const out = empty(op)
    walk(op.inputs[0], op.inputs[1], op.attributes, isDepthwise, (i, j, k) => {
      out[j] += x[i] * dy[k]
    })
    return [out]
  }

export const convolutionReferences = {
  conv: forward(false),
  convInputGrad: inputGrad(false),
  convWeightGrad: weightGrad(false),
  depthwise: forward(true),
  depthwiseInputGrad: inputGrad(true),
  depthwiseWeightGrad: weightGrad(true),
}
