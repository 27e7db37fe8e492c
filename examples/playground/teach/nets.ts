// A net that others trained, as eyes of the head. Enters: files or an address (untrusted). Leaves: a model that takes
// pictures, where it can be cut, and how its numbers want to be.
import {
  averagePooling2d,
  flatten,
  globalAveragePooling1d,
  globalAveragePooling2d,
  load,
  type Model,
  type ModelLayer,
  type Symbolic,
  transfer,
} from 'lanegrad'
import { type Imported, loadKeras } from 'lanegrad/keras'
import { loadOnnx } from 'lanegrad/onnx'
import { loadTfjs } from 'lanegrad/tfjs'
import { builtinNet } from './builtin.ts'
import type { NetSource, Scaling } from './protocol.ts'

export interface Net {
  readonly model: Model<Symbolic>
  readonly name: string
  readonly notes: readonly string[]
  readonly size: readonly [height: number, width: number]
  readonly channels: 1 | 3
  /** Whether it wants all of one color before the next, as PyTorch's nets do. */
  readonly isPlanar: boolean
  readonly scaling: Scaling
}

const KINDS = 'model.json with its .bin files (TensorFlow.js), .keras, .h5, .onnx or .safetensors (lanegrad)'
/** For nets that take pictures of any size. */
const ANY_SIZE = 224

type Loaded = Pick<Net, 'model' | 'name' | 'notes'>

const endOf = (name: string): string => /\.(\w+)$/.exec(name)?.[1].toLowerCase() ?? ''
const isTaken = (name: string): boolean => /^(json|keras|h5|hdf5|onnx|safetensors)$/.test(endOf(name))

/** What the import has changed; that the model isn't compiled is none of a visitor's matters. */
const notesOf = ({ importNotes }: Imported): string[] => importNotes.filter((note) => !/compiled/.test(note))

/** A model of one file. */
function fromBytes(name: string, bytes: Uint8Array<ArrayBuffer>): Loaded {
  if (endOf(name) === 'safetensors') return { name, model: load(bytes), notes: [] }
  const model = endOf(name) === 'onnx' ? loadOnnx(bytes) : loadKeras(bytes)
  return { name, model, notes: notesOf(model) }
}

async function fromFiles(files: readonly File[]): Promise<Loaded> {
  const main = files.filter(({ name }) => isTaken(name))
  if (main.length !== 1)
    throw new Error(
      main.length === 0
        ? `No net is among these files. A net is ${KINDS}.`
        : `These are several nets: ${main.map(({ name }) => name).join(', ')}. Choose the files of one.`,
    )
  const [{ name }] = main
  if (endOf(name) !== 'json') return fromBytes(name, new Uint8Array(await main[0].arrayBuffer()))
  const model = await loadTfjs(files)
  return { name, model, notes: notesOf(model) }
}

async function fromAddress(address: string): Promise<Loaded> {
  const { pathname } = new URL(address, self.location.href)
  if (!isTaken(pathname)) throw new Error(`The address must be that of a net: ${KINDS}.`)
  const name = pathname.split('/').at(-1) ?? ''
  try {
    if (endOf(pathname) === 'json') {
      const model = await loadTfjs(address)
      return { name, model, notes: notesOf(model) }
    }
    const response = await fetch(address)
    if (!response.ok) throw new Error(`${name} can't be fetched: ${response.status} ${response.statusText}`)
    return fromBytes(name, new Uint8Array(await response.arrayBuffer()))
  } catch (error) {
    const { message } = error as Error
    if (!/failed to fetch|networkerror|load failed/i.test(message)) throw error
    throw new Error(
      `${name} can't be fetched: there is no network, or that site doesn't let other pages have its files (CORS). ` +
        'Download the files there, and choose them here.',
    )
  }
}

/** @throws Error in words for the visitor: a net that can't be taken, or takes no pictures */
export async function openNet(source: NetSource): Promise<Net> {
  const loaded = !source
    ? { name: '', model: builtinNet(), notes: [] }
    : 'files' in source
      ? await fromFiles(source.files)
      : await fromAddress(source.address)
  const { inputs, layers } = loaded.model
  const text = (shape: readonly (number | null)[]) => `[${shape.map((n) => n ?? 'any').join(', ')}]`
  const [{ shape }] = inputs
  const isColor = (n: number | null) => n === 1 || n === 3
  const isPlanar = isColor(shape[0]) && !isColor(shape[2])
  const channels = shape[isPlanar ? 0 : 2]
  if (inputs.length !== 1 || shape.length !== 3 || !isColor(channels)) {
    loaded.model.dispose()
    throw new Error(
      `${loaded.name} takes ${inputs.map((one) => text(one.shape)).join(' and ')}, no pictures: those are [height, width, 3], ` +
        'or 1 instead of 3 for gray ones.',
    )
  }
  const [height, width] = isPlanar ? shape.slice(1) : shape
  return {
    ...loaded,
    size: [height ?? ANY_SIZE, width ?? ANY_SIZE],
    channels: channels as 1 | 3,
    isPlanar,
    // a net that rescales by itself takes bytes; PyTorch's nets are trained on ImageNet's mean and spread
    scaling: layers[0]?.kind === 'rescaling' ? 'bytes' : isPlanar && channels === 3 ? 'imagenet' : 'unit',
  }
}

/** Layers after which the net can be cut: those that give one row of numbers, a row for each of several places, or maps with channels last. */
export function cutsOf({ model }: Net): Record<string, string> {
  const cuts = model.layers.filter(
    ({ kind, outputShape }) =>
      outputShape.length >= 1 &&
      outputShape.length <= 3 &&
      outputShape.at(-1) !== null &&
      !/^(dropout|permute)$/.test(kind),
  )
  return Object.fromEntries(
    cuts.map(({ name, kind, outputShape }) => [
      name,
      `${name} (${kind}, ${outputShape.map((n) => n ?? 'any').join(' × ')})`,
    ]),
  )
}

/** A picture as more numbers than this is rather taken as maps, whose quarters are fewer. */
const MOST_FEATURES = 4096

/**
 * Where a net is cut unless the visitor chooses: before the dense layers behind its last maps, since these tell its own classes apart; before
 * the last dense layer where it has no maps, at its end where it has neither.
 */
export function usualCut(net: Net): string {
  const cuts = cutsOf(net)
  const { layers } = net.model
  const isCut = ({ name }: ModelLayer) => name in cuts
  const maps = layers.findLastIndex(
    ({ outputShape: [height, width, channels] }) => channels !== undefined && height !== 1 && width !== 1,
  )
  const isDense = ({ kind }: ModelLayer) => kind === 'dense'
  const dense =
    maps < 0 ? layers.findLastIndex(isDense) : layers.findIndex((layer, i) => i > maps && isDense(layer))
  const before = layers.slice(maps + 1, Math.max(0, dense)).findLast(isCut)
  if (before && (before.outputShape[0] ?? 0) <= MOST_FEATURES) return before.name
  if (dense > maps && maps >= 0) return layers[maps].name
  return layers.findLast((layer) => isCut(layer) && !/^(activation|softmax)$/.test(layer.kind))?.name ?? ''
}

/** Maps become the means of their four quarters: what is seen, and roughly where. */
function flat(value: Symbolic, shape: readonly (number | null)[]): Symbolic {
  if (shape.length === 1) return value
  if (shape.length === 2) return globalAveragePooling1d()(value)
  const [height, width] = shape
  if (height === null || width === null) return globalAveragePooling2d()(value)
  const poolSize: [number, number] = [Math.max(1, height >> 1), Math.max(1, width >> 1)]
  return flatten()(averagePooling2d({ poolSize })(value))
}

/** The layers of the net up to `cut`, frozen, with one row of numbers in the end. */
export function eyesOf({ model }: Net, cut: string): Model<Symbolic> {
  const found = model.layers.find(({ name }) => name === cut)
  if (!found) throw new Error(`The net has no layer ${cut}.`)
  return transfer(model, { output: cut, head: (value) => flat(value, found.outputShape) })
}
