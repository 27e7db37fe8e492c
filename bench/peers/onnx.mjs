// A net as the bytes of an ONNX model, for inference. Enters: a net of nets.mjs. Leaves: a model of one input `x`
// [batch, ...] and one output `y`; images are [batch, channels, height, width] there. The messages are those of onnx-buf.
import { create, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  ModelProtoSchema,
  TensorProtoSchema,
} from 'onnx-buf'
import { EPSILON } from '../nets.mjs'

/** @typedef {Float32Array | BigInt64Array} Numbers */

/** Columns of a matrix [rows, 4 units], blocks of gates in another order, as [4 units, rows]. @param {Float32Array} data @param {number} units @param {number[]} order */
function gateRows(data, units, order) {
  const columns = 4 * units
  const rows = data.length / columns
  const from = (/** @type {number} */ at) => order[Math.floor(at / units)] * units + (at % units)
  return Float32Array.from(
    { length: data.length },
    (_, i) => data[(i % rows) * columns + from(Math.floor(i / rows))],
  )
}

/** ONNX has input, output, forget, cell; the nets input, forget, cell, output. */
const GATES = [0, 3, 1, 2]

/** Several matrices [rows, units] beside each other. @param {Float32Array[]} parts @param {number} rows */
function beside(parts, rows) {
  const units = parts[0].length / rows
  const width = units * parts.length
  return Float32Array.from({ length: rows * width }, (_, i) => {
    const column = i % width
    return parts[Math.floor(column / units)][Math.floor(i / width) * units + (column % units)]
  })
}

/** A kernel [k, k, in, out] as [out, in, k, k]; depthwise, [k, k, in, 1] as [in, 1, k, k]. @param {{ shape: number[], data: Float32Array }} kernel @param {boolean} isDepthwise */
function kernelInFront({ shape: [size, , inputs, filters], data }, isDepthwise) {
  const places = size * size
  const [units, each] = isDepthwise ? [inputs, 1] : [filters, inputs]
  const moved = Float32Array.from({ length: data.length }, (_, i) => {
    const [out, input, place] = [Math.floor(i / (places * each)), Math.floor(i / places) % each, i % places]
    return data[(place * each + input) * units + out]
  })
  return /** @type {const} */ ([moved, [units, each, size, size]])
}

/** @param {import('../nets.mjs').Net} net @returns {Uint8Array} */
export function onnxModel({ layers, batchSize, inputShape, inputDtype }) {
  const nodes = /** @type {object[]} */ ([])
  const constants = /** @type {object[]} */ ([])
  let count = 0

  /** @param {Numbers} data @param {number[]} shape */
  function constant(data, shape) {
    const name = `c${constants.length}`
    constants.push({
      name,
      dims: shape.map(BigInt),
      dataType: data instanceof Float32Array ? DataType.FLOAT : DataType.INT64,
      rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    })
    return name
  }
  const weight = (/** @type {{ data: Float32Array, shape: number[] }} */ { data, shape }) =>
    constant(data, shape)

  /** @param {string} name @param {number | number[]} value @returns {object} */
  function attribute(name, value) {
    if (Array.isArray(value)) return { name, type: AttributeType.INTS, ints: value.map(BigInt) }
    return Number.isInteger(value)
      ? { name, type: AttributeType.INT, i: BigInt(value) }
      : { name, type: AttributeType.FLOAT, f: value }
  }

  /** @param {string} opType @param {string[]} input @param {Record<string, number | number[]>} [attributes] @param {string} [domain] */
  function node(opType, input, attributes = {}, domain = '') {
    const output = `v${++count}`
    const list = Object.entries(attributes).map(([name, value]) =>
      create(AttributeProtoSchema, /** @type {any} */ (attribute(name, value))),
    )
    nodes.push({ opType, domain, input, output: [output], attribute: list })
    return output
  }
  const affine = (/** @type {string} */ x, /** @type {any} */ kernel, /** @type {any} */ bias) =>
    node('Add', [node('MatMul', [x, weight(kernel)]), weight(bias)])
  const norm = (/** @type {string} */ x, /** @type {any} */ gamma, /** @type {any} */ beta) =>
    node('LayerNormalization', [x, weight(gamma), weight(beta)], { axis: -1, epsilon: EPSILON })

  /** What a flattened image was: its rows are in another order here. */
  let image = inputShape
  let isFlattened = false

  const y = layers.reduce((x, { type, units, activation, heads, parts, weights: w }) => {
    switch (type) {
      case 'dense': {
        let { kernel } = w
        if (isFlattened) {
          const [height, width, channels] = image
          const data = new Float32Array(kernel.data.length)
          for (let at = 0; at < height * width * channels; at++) {
            const [pixel, channel] = [Math.floor(at / channels), at % channels]
            const to = channel * height * width + pixel
            data.set(kernel.data.subarray(at * units, (at + 1) * units), to * units)
          }
          kernel = { shape: kernel.shape, data }
          isFlattened = false
        }
        const isMatrix = inputDtype === 'float32' // a sequence of symbols keeps its axis of steps
        const z = isMatrix ? node('Gemm', [x, weight(kernel), weight(w.bias)]) : affine(x, kernel, w.bias)
        return activation === 'linear' ? z : node(activation === 'relu' ? 'Relu' : 'Tanh', [z])
      }
      case 'conv': {
        image = [image[0] - 2, image[1] - 2, units]
        const kernel = constant(...kernelInFront(w.kernel, false))
        return node('Relu', [node('Conv', [x, kernel, weight(w.bias)])])
      }
      case 'pool':
        image = [image[0] >> 1, image[1] >> 1, image[2]]
        return node('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] })
      case 'flatten':
        isFlattened = true
        return node('Flatten', [x])
      case 'lstm': {
        const inputs = w.kernel.shape[0]
        const bias = new Float32Array(8 * units)
        bias.set(gateRows(w.bias.data, units, GATES))
        const operands = [
          node('Transpose', [x], { perm: [1, 0, 2] }),
          constant(gateRows(w.kernel.data, units, GATES), [1, 4 * units, inputs]),
          constant(gateRows(w.recurrent.data, units, GATES), [1, 4 * units, units]),
          constant(bias, [1, 8 * units]),
        ]
        node('LSTM', operands, { hidden_size: units })
        const { output } = /** @type {any} */ (nodes.at(-1))
        output.splice(0, 1, '', `h${count}`) // not the whole sequence: the last state
        return node('Reshape', [`h${count}`, constant(BigInt64Array.of(-1n, BigInt(units)), [2])])
      }
      case 'embedding':
        return node('Add', [node('Gather', [weight(w.embeddings), x]), weight(w.position)])
      case 'block': {
        const three = (/** @type {string} */ part, /** @type {number} */ rows) =>
          beside(
            ['q', 'k', 'v'].map((own) => w[part + own].data),
            rows,
          )
        const seen = norm(x, w.gamma1, w.beta1)
        const qkv = [constant(three('w', units), [units, 3 * units]), constant(three('b', 1), [3 * units])]
        // the runtime's own fused operation
        const attended = node(
          'Attention',
          [seen, ...qkv],
          { num_heads: heads, unidirectional: 1 },
          'com.microsoft',
        )
        const middle = node('Add', [x, affine(attended, w.wo, w.bo)])
        const hidden = node('Gelu', [affine(norm(middle, w.gamma2, w.beta2), w.up, w.upBias)])
        return node('Add', [middle, affine(hidden, w.down, w.downBias)])
      }
      case 'residual':
        return parts.reduce((before, part, i) => {
          const [kernel, gamma, beta] = ['kernel', 'gamma', 'beta'].map((own) => w[`${own}${i + 1}`])
          const isDepthwise = part.type === 'depthwise'
          const reach = kernel.shape[0] >> 1
          const attributes = { pads: [reach, reach, reach, reach], group: isDepthwise ? kernel.shape[2] : 1 }
          const made = node('Conv', [before, constant(...kernelInFront(kernel, isDepthwise))], attributes)
          const moving = [0, 1].map((v) =>
            constant(
              gamma.data.map(() => v),
              gamma.shape,
            ),
          )
          const affineOf = [weight(gamma), weight(beta), ...moving]
          const normal = node('BatchNormalization', [made, ...affineOf], { epsilon: EPSILON })
          const sum = i === parts.length - 1 ? node('Add', [normal, x]) : normal
          if (part.activation === 'linear') return sum
          if (part.activation === 'relu') return node('Relu', [sum])
          return node('Clip', [sum, ...[0, 6].map((v) => constant(Float32Array.of(v), []))])
        }, x)
      default:
        return norm(x, w.gamma, w.beta)
    }
  }, 'x')

  const value = (
    /** @type {string} */ name,
    /** @type {DataType} */ elemType,
    /** @type {number[] | null} */ shape,
  ) => ({
    name,
    type: {
      value: {
        case: 'tensorType',
        value: {
          elemType,
          ...(shape && {
            shape: { dim: shape.map((n) => ({ value: { case: 'dimValue', value: BigInt(n) } })) },
          }),
        },
      },
    },
  })
  const model = {
    irVersion: 9n,
    opsetImport: [
      { domain: '', version: 20n },
      { domain: 'com.microsoft', version: 1n },
    ],
    graph: {
      name: 'net',
      node: nodes,
      initializer: constants.map((tensor) => create(TensorProtoSchema, /** @type {any} */ (tensor))),
      input: [
        value(
          'x',
          inputDtype === 'int32' ? DataType.INT32 : DataType.FLOAT,
          onnxShape(batchSize, inputShape),
        ),
      ],
      output: [value(y, DataType.FLOAT, null)],
    },
  }
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, /** @type {any} */ (model)))
}

/** The shape of a batch there. All images have one channel, so that their numbers come in the same order. @param {number} batchSize @param {number[]} shape */
export const onnxShape = (batchSize, shape) =>
  shape.length === 3 ? [batchSize, shape[2], shape[0], shape[1]] : [batchSize, ...shape]
