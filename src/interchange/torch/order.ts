// In which order PyTorch has the features behind a flatten. Its images are [channels, height, width], ours [height, width,
// channels], so the same flatten gives the same numbers in another order, and so do reshapes of features to images. Enters: a
// network and the shapes of its values. Leaves: for each layer, the order of the features that it reads and of those that it makes.
import type { Network } from '../../network/network.ts'
import { fail } from '../../numerics/errors.ts'
import type { RowShape } from '../../numerics/shape.ts'

/** For each feature here, its place in PyTorch. */
export type Order = Int32Array

/** Layers over images and signals, which PyTorch has channels first. */
const SPATIAL =
  /^(conv\dd|conv\ddTranspose|depthwiseConv\dd|separableConv\dd|(max|average|globalMax|globalAverage)Pooling\dd|upSampling\dd|zeroPadding\dd|cropping\dd|spatialDropout\dd|resizing|centerCrop)$/
/** Layers that keep each feature in its place. */
const IN_PLACE =
  /^(activation|relu|prelu|batchNormalization|layerNormalization|rmsNormalization|unitNormalization|dropout|alphaDropout|gaussian(Dropout|Noise)|stochasticDepth|rescaling|normalization|add|subtract|multiply|average|maximum|minimum)$/
/** Layers whose features are those of others, elsewhere. */
const MOVING = /^(flatten|reshape|concatenate)$/
/** Layers over sequences, [batch, steps, channels] in both. */
const SEQUENCE =
  /^(simpleRnn|lstm|gru|bidirectional|timeDistributed|embedding|positionEmbedding|.*[aA]ttention|permute|repeatVector)$/

/** Places in [channels, cells] of the elements of [cells, channels]; null: the same. */
function channelsLast(shape: RowShape): Order | null {
  const sizes = shape as readonly number[]
  const channels = sizes.at(-1) ?? 1
  const cells = sizes.slice(0, -1).reduce((product, size) => product * size, 1)
  if (channels === 1 || cells === 1 || sizes.includes(null as never)) return null
  return Int32Array.from(
    { length: cells * channels },
    (_, i) => (i % channels) * cells + Math.floor(i / channels),
  )
}

export interface Orders {
  /** The orders of the features that a layer reads and of those that it makes; null: as they are here. */
  of(layer: string): readonly [Order | null, Order | null]
}

/** `shapes`: of every value, without the batch axis. */
export function ordersOf({ inputs, calls, outputs }: Network, shapes: ReadonlyMap<string, RowShape>): Orders {
  const shapeOf = (value: string): RowShape =>
    shapes.get(value) ?? inputs.find(({ name }) => name === value)?.shape ?? []
  const kindOf = new Map(calls.map(({ name, layer }) => [name, layer.kind.kind]))
  const backwards = [...calls].reverse()

  // values that a layer over images or signals reads
  const read = new Set<string>()
  for (const { name, inputs: values } of backwards) {
    const kind = kindOf.get(name) ?? ''
    if (SPATIAL.test(kind) || (IN_PLACE.test(kind) && read.has(name)))
      for (const value of values) read.add(value)
  }
  // values that PyTorch has channels first
  const isImage = (value: string) => read.has(value) || shapeOf(value).length > 2
  const first = new Set(inputs.flatMap(({ name }) => (isImage(name) ? name : [])))
  for (const { name, inputs: values } of calls) {
    const kind = kindOf.get(name) ?? ''
    const inherits = !SEQUENCE.test(kind) && values.some((value) => first.has(value))
    if (SPATIAL.test(kind) || (kind === 'reshape' ? isImage(name) : inherits)) first.add(name)
  }

  const isFlat = (value: string) => shapeOf(value).length === 1
  // from flattened images on
  const made = new Map<string, Order | null>()
  for (const { name, inputs: values } of calls) {
    const kind = kindOf.get(name) ?? ''
    const [source] = values
    const known = values.map((value) => made.get(value) ?? null)
    const isKnown = kind === 'dense' || (isFlat(name) && (IN_PLACE.test(kind) || MOVING.test(kind)))
    if (!isKnown && known.some((order) => order !== null))
      fail(
        `layer ${name}: the features that it reads are flattened images, in another order than PyTorch's, and ${kind} isn't known to keep it`,
      )
    if (!isFlat(name)) continue
    if (kind === 'flatten' || kind === 'reshape')
      made.set(name, isFlat(source) ? known[0] : first.has(source) ? channelsLast(shapeOf(source)) : null)
    else if (IN_PLACE.test(kind)) made.set(name, known.find((order) => order !== null) ?? null)
    else if (kind === 'concatenate' && known.some((order) => order !== null)) {
      let at = 0
      const joined = values.flatMap((value, i) => {
        const length = shapeOf(value)[0] ?? 0
        const order = known[i] ?? Int32Array.from({ length }, (_, feature) => feature)
        const moved = Array.from(order, (place) => place + at)
        at += length
        return moved
      })
      made.set(name, Int32Array.from(joined))
    }
  }
  // up to features that become images
  const wanted = new Map<string, Order | null>()
  const isOutput = new Set(outputs.map(({ value }) => value))
  for (const { name, inputs: values } of backwards) {
    const kind = kindOf.get(name) ?? ''
    for (const value of values) {
      if (!isFlat(value) || isOutput.has(value)) continue
      if (kind === 'reshape' && first.has(name)) wanted.set(value, channelsLast(shapeOf(name)))
      else if (IN_PLACE.test(kind) && wanted.has(name)) wanted.set(value, wanted.get(name) ?? null)
    }
  }
  const layers = new Map(
    calls.map((call) => [call.layer.name, call]).reverse() as [string, (typeof calls)[number]][],
  )
  return {
    of(layer) {
      const call = layers.get(layer)
      if (!call) return [null, null]
      const into = made.get(call.inputs[0]) ?? wanted.get(call.inputs[0]) ?? null
      return [into, wanted.get(call.name) ?? null]
    },
  }
}
