// A built graph as the bytes of a file: what reaches the outputs, every name given once.
import { encodeText } from '../../../numerics/bytes.ts'
import {
  ATTRIBUTE_TYPE,
  type AttributeProto,
  DATA_TYPE,
  encodeModel,
  type ValueInfoProto,
} from '../messages.ts'
import type { Draft } from '../protobuf.ts'
import type { Attribute, Node, Tensor } from './tensor.ts'
import type { Dims, Trace } from './trace.ts'

/** The version of the file format that came with opset 17. */
const IR_VERSION = 8

interface Built {
  readonly nodes: readonly Node[]
  readonly inputs: readonly Tensor[]
  readonly outputs: readonly { readonly name: string; readonly tensor: Tensor }[]
}

function attributeOf(name: string, value: Attribute): Draft<AttributeProto> {
  if (typeof value === 'number') return { name, type: ATTRIBUTE_TYPE.int, i: value }
  if (typeof value === 'string') return { name, type: ATTRIBUTE_TYPE.string, s: encodeText(value) }
  if ('float' in value) return { name, type: ATTRIBUTE_TYPE.float, f: value.float }
  const list = value as readonly (number | string | { readonly float: number })[]
  const [first] = list
  if (typeof first === 'string')
    return { name, type: ATTRIBUTE_TYPE.strings, strings: list.map((text) => encodeText(text as string)) }
  if (typeof first === 'object')
    return {
      name,
      type: ATTRIBUTE_TYPE.floats,
      floats: list.map((item) => (item as { float: number }).float),
    }
  return { name, type: ATTRIBUTE_TYPE.ints, ints: list as readonly number[] }
}

const infoOf = (name: string, dims: Dims, elemType: number): Draft<ValueInfoProto> => ({
  name,
  type: {
    tensorType: {
      elemType,
      shape: {
        dim: dims.map((n) => (n >= 0 ? { dimValue: n } : { dimParam: n === -1 ? 'batch' : `${-n} batch` })),
      },
    },
  },
})

/** The nodes that reach the outputs, in an order that can run. */
function liveNodes({ nodes, outputs }: Built): Node[] {
  const live = new Set<Node>()
  const open = outputs.map(({ tensor }) => tensor.node)
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (!node || live.has(node)) continue
    live.add(node)
    for (const input of node.inputs) open.push(input?.node ?? null)
  }
  return nodes.filter((node) => live.has(node))
}

export function fileOf(built: Built, trace: Trace, opset: number): Uint8Array<ArrayBuffer> {
  const nodes = liveNodes(built)
  const names = new Map<Tensor, string>()
  const taken = new Set<string>()
  const give = (tensor: Tensor, wanted: string): string => {
    let name = wanted
    for (let i = 2; taken.has(name); i++) name = `${wanted}_${i}`
    taken.add(name)
    names.set(tensor, name)
    return name
  }
  const made = built.inputs.map((tensor) => give(tensor, tensor.hint))
  // an output that is an input, a constant or another output is a copy
  const outputs = built.outputs.map(({ name, tensor }) => {
    const isOwn = tensor.node !== null && !names.has(tensor)
    const node: Node | null = isOwn
      ? null
      : { op: 'Identity', inputs: [tensor], outputs: [], attributes: {}, label: '' }
    const output: Tensor = node ? { ...tensor, node } : tensor
    if (node) nodes.push({ ...node, outputs: [output] })
    return { name: give(output, name), tensor: output }
  })

  const initializers = new Set<Tensor>()
  const counts = new Map<string, number>()
  const nodeProtos = nodes.map(({ op, inputs, outputs: own, attributes, label }) => {
    const base = `${label ? `${label}/` : ''}${op}`
    const count = (counts.get(base) ?? 0) + 1
    counts.set(base, count)
    const name = count === 1 ? base : `${base}_${count}`
    for (const input of inputs) if (input?.data) initializers.add(input)
    const nameOf = (tensor: Tensor, wanted: string) => names.get(tensor) ?? give(tensor, wanted)
    return {
      name,
      opType: op,
      input: inputs.map((tensor) => (tensor ? nameOf(tensor, tensor.hint || `${base}/constant`) : '')),
      output: own.map((tensor, i) => nameOf(tensor, i === 0 ? name : `${name}:${i}`)),
      attribute: Object.entries(attributes).flatMap(([key, value]) =>
        key === 'reduced' ? [] : attributeOf(key, value),
      ),
    }
  })
  // inputs left out at the end are not written
  for (const { input } of nodeProtos) while (input[input.length - 1] === '') input.pop()
  return encodeModel({
    irVersion: IR_VERSION,
    producerName: 'lanegrad',
    opsetImport: [{ domain: '', version: opset }],
    graph: {
      name: 'model',
      node: nodeProtos,
      initializer: Array.from(initializers, (tensor) => {
        const { dims, type, data } = tensor as Tensor & { readonly data: Float32Array }
        const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
        return { name: names.get(tensor), dims, dataType: type, rawData }
      }),
      input: built.inputs.map((tensor, i) => infoOf(made[i], tensor.dims, tensor.type)),
      output: outputs.map(({ name, tensor }, i) =>
        infoOf(name, trace.dimsOf(trace.outputs[i].value), tensor.type || DATA_TYPE.float),
      ),
    },
  })
}
