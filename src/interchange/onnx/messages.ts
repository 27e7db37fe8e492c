// The messages of ONNX files (onnx.proto), both as tables of fields and as types: what an exporter writes and a reader reads.
// What is left out here (sparse tensors, functions, training) is skipped in files.

import type { ByteSource } from '../../numerics/bytes.ts'
import { type Draft, decodeMessage, encodeMessage, type Fields } from './protobuf.ts'

/** `TensorProto.DataType`: the types of elements. */
export const DATA_TYPE = {
  float: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  double: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
} as const

/** `AttributeProto.AttributeType`. */
export const ATTRIBUTE_TYPE = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
} as const

/** A constant array. Its numbers lie in `rawData` (little-endian) or in the list for its type. */
export interface TensorProto {
  readonly name?: string | undefined
  readonly dims: readonly number[]
  /** One of DATA_TYPE. */
  readonly dataType?: number | undefined
  readonly floatData: readonly number[]
  /** int32, int16, int8, uint16, uint8, bool, and the bits of float16. */
  readonly int32Data: readonly number[]
  readonly int64Data: readonly number[]
  readonly doubleData: readonly number[]
  /** uint32 and uint64. */
  readonly uint64Data: readonly number[]
  /** A view of the file, at any offset. */
  readonly rawData?: Uint8Array | undefined
  readonly externalData: readonly EntryProto[]
  /** 1: the numbers lie in another file. */
  readonly dataLocation?: number | undefined
}

export interface EntryProto {
  readonly key?: string | undefined
  readonly value?: string | undefined
}

export interface AttributeProto {
  readonly name?: string | undefined
  /** One of ATTRIBUTE_TYPE. */
  readonly type?: number | undefined
  readonly f?: number | undefined
  readonly i?: number | undefined
  /** UTF-8. */
  readonly s?: Uint8Array | undefined
  readonly t?: TensorProto | undefined
  readonly g?: GraphProto | undefined
  readonly floats: readonly number[]
  readonly ints: readonly number[]
  readonly strings: readonly Uint8Array[]
}

/** An operator applied to values; an empty name among the inputs is one that is left out. */
export interface NodeProto {
  readonly input: readonly string[]
  readonly output: readonly string[]
  readonly name?: string | undefined
  readonly opType?: string | undefined
  readonly attribute: readonly AttributeProto[]
  readonly domain?: string | undefined
}

export interface DimensionProto {
  /** The length; or, */
  readonly dimValue?: number | undefined
  /** a name for any length. */
  readonly dimParam?: string | undefined
}

export interface ValueInfoProto {
  readonly name?: string | undefined
  readonly type?:
    | {
        readonly tensorType?:
          | {
              /** One of DATA_TYPE. */
              readonly elemType?: number | undefined
              readonly shape?: { readonly dim: readonly DimensionProto[] } | undefined
            }
          | undefined
      }
    | undefined
}

export interface GraphProto {
  readonly name?: string | undefined
  readonly node: readonly NodeProto[]
  readonly initializer: readonly TensorProto[]
  readonly input: readonly ValueInfoProto[]
  readonly output: readonly ValueInfoProto[]
  readonly valueInfo: readonly ValueInfoProto[]
}

export interface ModelProto {
  readonly irVersion?: number | undefined
  readonly producerName?: string | undefined
  readonly producerVersion?: string | undefined
  readonly graph?: GraphProto | undefined
  readonly opsetImport: readonly {
    readonly domain?: string | undefined
    readonly version?: number | undefined
  }[]
  readonly metadataProps: readonly EntryProto[]
}

const ENTRY: Fields = { 1: ['key', 'text'], 2: ['value', 'text'] }

const TENSOR: Fields = {
  1: ['dims', 'int', 'many'],
  2: ['dataType', 'int'],
  4: ['floatData', 'float', 'many'],
  5: ['int32Data', 'int', 'many'],
  7: ['int64Data', 'int', 'many'],
  8: ['name', 'text'],
  9: ['rawData', 'bytes'],
  10: ['doubleData', 'double', 'many'],
  11: ['uint64Data', 'int', 'many'],
  13: ['externalData', () => ENTRY, 'many'],
  14: ['dataLocation', 'int'],
}

const ATTRIBUTE: Fields = {
  1: ['name', 'text'],
  2: ['f', 'float'],
  3: ['i', 'int'],
  4: ['s', 'bytes'],
  5: ['t', () => TENSOR],
  6: ['g', () => GRAPH],
  7: ['floats', 'float', 'many'],
  8: ['ints', 'int', 'many'],
  9: ['strings', 'bytes', 'many'],
  20: ['type', 'int'],
}

const NODE: Fields = {
  1: ['input', 'text', 'many'],
  2: ['output', 'text', 'many'],
  3: ['name', 'text'],
  4: ['opType', 'text'],
  5: ['attribute', () => ATTRIBUTE, 'many'],
  7: ['domain', 'text'],
}

const DIMENSION: Fields = { 1: ['dimValue', 'int'], 2: ['dimParam', 'text'] }
const SHAPE: Fields = { 1: ['dim', () => DIMENSION, 'many'] }
const TENSOR_TYPE: Fields = { 1: ['elemType', 'int'], 2: ['shape', () => SHAPE] }
const TYPE: Fields = { 1: ['tensorType', () => TENSOR_TYPE] }
const VALUE_INFO: Fields = { 1: ['name', 'text'], 2: ['type', () => TYPE] }

const GRAPH: Fields = {
  1: ['node', () => NODE, 'many'],
  2: ['name', 'text'],
  5: ['initializer', () => TENSOR, 'many'],
  11: ['input', () => VALUE_INFO, 'many'],
  12: ['output', () => VALUE_INFO, 'many'],
  13: ['valueInfo', () => VALUE_INFO, 'many'],
}

const OPSET: Fields = { 1: ['domain', 'text'], 2: ['version', 'int'] }

const MODEL: Fields = {
  1: ['irVersion', 'int'],
  2: ['producerName', 'text'],
  3: ['producerVersion', 'text'],
  7: ['graph', () => GRAPH],
  8: ['opsetImport', () => OPSET, 'many'],
  14: ['metadataProps', () => ENTRY, 'many'],
}

/** The model in a file. @throws LanegradError on bytes that aren't in the format of ONNX files */
export const decodeModel = (bytes: ByteSource): ModelProto => decodeMessage('ONNX file', bytes, MODEL)

/** The file of a model. */
export const encodeModel = (model: Draft<ModelProto>): Uint8Array<ArrayBuffer> =>
  encodeMessage<ModelProto>(MODEL, model)

/** A tensor in a file of its own, as test data are. @throws LanegradError */
export const decodeTensor = (bytes: ByteSource): TensorProto => decodeMessage('ONNX tensor', bytes, TENSOR)

export const encodeTensor = (tensor: Draft<TensorProto>): Uint8Array<ArrayBuffer> =>
  encodeMessage<TensorProto>(TENSOR, tensor)
