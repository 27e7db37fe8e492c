// An ONNX file as plain data: operators with their attributes, constant arrays, inputs and outputs by name. The bytes are untrusted.
import { halfToFloat } from '../../formats/half.ts'
import { refuseOthers } from '../../formats/signs.ts'
import { type ByteSource, bytesOf, decodeText } from '../../numerics/bytes.ts'
import { check, fail, show } from '../../numerics/errors.ts'
import { elementCount } from '../../numerics/tensor.ts'
import { type Constant, constant, type ElementType } from './arrays.ts'
import {
  type AttributeProto,
  DATA_TYPE,
  decodeModel,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from './messages.ts'
import { sorted } from './sorted.ts'

/** An operator of the graph. */
export interface Operator {
  readonly op: string
  readonly name: string
  /** '': one that is left out. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly opset: number
  int(name: string, byDefault?: number): number
  ints(name: string): readonly number[] | null
  float(name: string, byDefault?: number): number
  floats(name: string): readonly number[] | null
  text(name: string, byDefault?: string): string
  texts(name: string): readonly string[]
  tensor(name: string): Constant | null
  has(name: string): boolean
}

export interface GraphInput {
  readonly name: string
  /** A number, a name for any length, or null. */
  readonly shape: readonly (number | string | null)[]
  readonly type: ElementType
}

export interface OnnxGraph {
  readonly operators: readonly Operator[]
  readonly constants: ReadonlyMap<string, Constant>
  readonly inputs: readonly GraphInput[]
  readonly outputs: readonly string[]
  readonly producer: string
  /** Names of the floats in the file that aren't float32. */
  readonly widths: readonly string[]
}

/** Floats that become float32, by DATA_TYPE. */
const WIDTHS: Readonly<Record<number, string>> = { 10: 'float16', 16: 'bfloat16', 11: 'float64' }

// by DATA_TYPE (messages.ts)
const TYPES: Readonly<Record<number, ElementType>> = {
  1: 'float',
  11: 'float',
  10: 'float',
  16: 'float',
  9: 'bool',
  2: 'int',
  3: 'int',
  4: 'int',
  5: 'int',
  6: 'int',
  7: 'int',
  12: 'int',
  13: 'int',
}

/** The kind of numbers of a data type. @throws LanegradError on texts, complex numbers and the like */
export const typeOf = (code: number | undefined): ElementType =>
  TYPES[code ?? 0] ?? fail(`elements of type ${code} (numbers and booleans alone are taken)`)

const floatFromBits = (bits: number): number => {
  const view = new DataView(new ArrayBuffer(4))
  view.setUint32(0, bits)
  return view.getFloat32(0)
}

/** How an element of a data type lies in `rawData`: its bytes, and the number in them. */
const RAW: Readonly<Record<number, readonly [bytes: number, read: (view: DataView, at: number) => number]>> =
  {
    1: [4, (view, at) => view.getFloat32(at, true)],
    11: [8, (view, at) => view.getFloat64(at, true)],
    10: [2, (view, at) => halfToFloat(view.getUint16(at, true))],
    16: [2, (view, at) => floatFromBits(view.getUint16(at, true) * 65536)],
    9: [1, (view, at) => view.getUint8(at)],
    2: [1, (view, at) => view.getUint8(at)],
    3: [1, (view, at) => view.getInt8(at)],
    4: [2, (view, at) => view.getUint16(at, true)],
    5: [2, (view, at) => view.getInt16(at, true)],
    6: [4, (view, at) => view.getInt32(at, true)],
    12: [4, (view, at) => view.getUint32(at, true)],
    7: [8, (view, at) => view.getInt32(at + 4, true) * 4_294_967_296 + view.getUint32(at, true)],
    13: [8, (view, at) => view.getUint32(at + 4, true) * 4_294_967_296 + view.getUint32(at, true)],
  }

/** The array of a tensor. @throws LanegradError if its numbers aren't as many as its shape says, or lie elsewhere */
export function arrayOf(tensor: TensorProto, weight: string | null = null): Constant {
  const what = `tensor ${show(tensor.name ?? '')}`
  const { dims, dataType = 0, rawData } = tensor
  const type = typeOf(dataType)
  if (tensor.dataLocation === 1 || tensor.externalData.length > 0)
    fail(`${what}: its numbers lie in another file; save the model as one file`)
  check(
    dims.length < 16 && dims.every((n) => Number.isSafeInteger(n) && n >= 0),
    what,
    'of up to 15 sizes',
    dims,
  )
  const count = elementCount(dims, what)
  const [bytes, read] = RAW[dataType]
  const lists = [tensor.floatData, tensor.doubleData, tensor.int64Data, tensor.uint64Data, tensor.int32Data]
  const list = lists.find(({ length }) => length > 0) ?? []
  const given = rawData ? rawData.length / bytes : list.length
  if (given !== count) fail(`${what} has ${given} numbers; its shape [${dims}] takes ${count}`)
  const data = type === 'float' ? new Float32Array(count) : new Float64Array(count)
  if (rawData) {
    const view = new DataView(rawData.buffer, rawData.byteOffset, rawData.byteLength)
    for (let i = 0; i < count; i++) data[i] = read(view, i * bytes)
  } else {
    const isBits = dataType === DATA_TYPE.float16 || dataType === DATA_TYPE.bfloat16
    for (let i = 0; i < count; i++)
      data[i] = !isBits
        ? list[i]
        : dataType === DATA_TYPE.float16
          ? halfToFloat(list[i])
          : floatFromBits(list[i] * 65536)
  }
  return constant(type, dims, data, { weight })
}

const attributeText = (bytes: Uint8Array | undefined, byDefault: string): string => {
  try {
    return bytes ? decodeText(bytes) : byDefault
  } catch {
    return byDefault
  }
}

function operatorOf(
  proto: {
    readonly input: readonly string[]
    readonly output: readonly string[]
    readonly attribute: readonly AttributeProto[]
  },
  op: string,
  name: string,
  opset: number,
): Operator {
  const attributes = new Map(proto.attribute.map((attribute) => [attribute.name ?? '', attribute]))
  return {
    op,
    name,
    inputs: proto.input,
    outputs: proto.output,
    opset,
    int: (key, byDefault = 0) => attributes.get(key)?.i ?? byDefault,
    ints: (key) => attributes.get(key)?.ints ?? null,
    float: (key, byDefault = 0) => attributes.get(key)?.f ?? byDefault,
    floats: (key) => attributes.get(key)?.floats ?? null,
    text: (key, byDefault = '') => attributeText(attributes.get(key)?.s, byDefault),
    texts: (key) => (attributes.get(key)?.strings ?? []).map((each) => attributeText(each, '')),
    tensor: (key) => {
      const given = attributes.get(key)?.t
      return given ? arrayOf(given) : null
    },
    has: (key) => attributes.has(key),
  }
}

function inputOf({ name = '', type }: ValueInfoProto): GraphInput {
  const { elemType, shape } = type?.tensorType ?? fail(`input ${show(name)} isn't an array`)
  if (!shape) fail(`input ${show(name)}: the file doesn't tell its shape`)
  check(shape.dim.length < 15, `input ${show(name)}`, 'of up to 14 axes', shape.dim.length)
  return {
    name,
    type: typeOf(elemType),
    shape: shape.dim.map(({ dimValue, dimParam }) =>
      dimValue !== undefined && dimValue > 0 ? dimValue : dimParam || null,
    ),
  }
}

/** Large networks have a few thousand. */
const MOST_OPERATORS = 50_000

/** Some exporters (PaddlePaddle's) write weights as Constant operators: where no initializer holds floats, these are weights. */
function weightsFrom(nodes: readonly NodeProto[], constants: Map<string, Constant>): readonly NodeProto[] {
  const isArray = ({ type, shape }: Constant) => type === 'float' && shape.length > 0
  if ([...constants.values()].some(isArray)) return nodes
  return nodes.filter(({ opType, output: [name], attribute }) => {
    const tensor = opType === 'Constant' ? attribute.find((each) => each.name === 'value')?.t : undefined
    if (!tensor || !name || typeOf(tensor.dataType) !== 'float' || tensor.dims.length === 0) return true
    constants.set(name, arrayOf(tensor, name))
    return false
  })
}

/** How files of ours name arrays that aren't weights, which have the name of their layer in front. */
const OWN_CONSTANT = /^[^/]*$|\/[A-Z]\w*\/constant(_\d+)?$/

/** The graph of a file. @throws LanegradError */
export function readOnnx(given: ByteSource): OnnxGraph {
  const bytes = bytesOf('ONNX file', given)
  refuseOthers('ONNX file', bytes, /^an ONNX/)
  const { graph, opsetImport, producerName = '' } = decodeModel(bytes)
  if (!graph) fail('ONNX file: it holds no graph')
  const version = opsetImport.find(({ domain = '' }) => domain === '' || domain === 'ai.onnx')?.version
  const opset = version ?? fail('ONNX file: it names no version of the operators (opset)')
  const constants = new Map(
    graph.initializer.map((tensor): [string, Constant] => {
      const { name = '' } = tensor
      const array = arrayOf(tensor, name)
      const isOwn = producerName === 'lanegrad'
      // PyTorch's single numbers are parameters, those of other exporters belong to formulas
      const isNone = isOwn ? OWN_CONSTANT.test(name) : tensor.dims.length === 0 && producerName !== 'pytorch'
      return [name, isNone ? { ...array, weight: null } : array]
    }),
  )
  const nodes = weightsFrom(graph.node, constants)
  check(
    graph.node.length <= MOST_OPERATORS,
    'ONNX file: its graph',
    `one of up to ${MOST_OPERATORS} operators`,
    graph.node.length,
  )
  const operators = nodes.map(({ opType = '', name = '', domain = '', ...proto }) =>
    operatorOf(proto, domain === '' || domain === 'ai.onnx' ? opType : `${domain}.${opType}`, name, opset),
  )
  const types = new Set([
    ...graph.initializer.map(({ dataType }) => dataType),
    ...graph.input.map(({ type }) => type?.tensorType?.elemType),
    ...operators.map((node) => (node.op === 'Cast' ? node.int('to') : 0)),
  ])
  return {
    operators: sorted(operators),
    constants,
    inputs: graph.input.filter(({ name = '' }) => !constants.has(name)).map(inputOf),
    outputs: graph.output.map(({ name = '' }) => name),
    producer: producerName,
    widths: Object.entries(WIDTHS).flatMap(([code, width]) => (types.has(Number(code)) ? [width] : [])),
  }
}

/** An operator that the reader of patterns puts in the place of several. */
export const made = (
  op: string,
  like: Operator,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, number>> = {},
): Operator =>
  operatorOf(
    {
      input: inputs,
      output: outputs,
      attribute: Object.entries(attributes).map(([name, f]) => ({
        name,
        f,
        i: f,
        floats: [],
        ints: [],
        strings: [],
      })),
    },
    op,
    like.name,
    like.opset,
  )
