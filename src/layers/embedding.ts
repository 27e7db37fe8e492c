// Embeddings: rows of a table for int32 ids, and rows of a table for positions. Enters: [batch, ...] ids, or
// [batch, steps, channels].
import { shapeText } from '../graph/value.ts'
import { check, fail, POSITIVE_INTEGER } from '../numerics/errors.ts'
import { gather, nonZero } from '../operations/embedding.ts'
import { checkLayerOptions, type Layer, type LayerKind, type LayerOptions, makeLayer } from './layer.ts'
import {
  type ConfigOfWeights,
  type OptionsOfWeights,
  one,
  oneOfRank,
  readFlag,
  readWeights,
  weightKeys,
  weightOptions,
} from './options.ts'

/** Initializer: by default randomUniform, -0.05 to 0.05. */
export interface EmbeddingOptions extends LayerOptions, OptionsOfWeights<'embeddings'> {
  /** Ids go from 0 to inputDim - 1. */
  readonly inputDim: number
  /** Size of the vector each id stands for. */
  readonly outputDim: number
  /** Steps whose id is 0 are padding: they don't count for the layers behind and for the loss. Default false. */
  readonly maskZero?: boolean
}

interface EmbeddingConfig extends ConfigOfWeights<'embeddings'> {
  readonly inputDim: number
  readonly outputDim: number
  readonly maskZero: boolean
}

export const embeddingKind: LayerKind<EmbeddingConfig> = {
  kind: 'embedding',
  read(options) {
    checkLayerOptions('embedding', options, [
      'inputDim',
      'outputDim',
      'maskZero',
      ...weightKeys('embeddings'),
    ])
    const { inputDim, outputDim, maskZero = false } = options as EmbeddingOptions
    check(POSITIVE_INTEGER.holds(inputDim), 'embedding: inputDim', POSITIVE_INTEGER.expected, inputDim)
    check(POSITIVE_INTEGER.holds(outputDim), 'embedding: outputDim', POSITIVE_INTEGER.expected, outputDim)
    return {
      inputDim,
      outputDim,
      maskZero: readFlag('embedding: maskZero', maskZero),
      ...readWeights('embedding', options, { embeddings: 'randomUniform' }),
    }
  },
  build({ g, weight, limitIds, setMask }, inputs, config) {
    const ids = one(inputs)
    if (ids.dtype !== 'int32')
      fail(`expected int32 ids (an input with dtype "int32"), got float32 ${shapeText(ids.shape)}`)
    const { inputDim, outputDim, maskZero } = config
    limitIds(ids, inputDim)
    const table = weight('embeddings', [inputDim, outputDim], weightOptions(config, 'embeddings'))
    const [y] = g.kernel(gather, [table, ids], {})
    if (maskZero && ids.shape.length === 2) setMask(y, g.kernel(nonZero, [ids], {})[0])
    return y
  },
}

/**
 * int32 ids [batch, ...] to vectors [batch, ..., outputDim]. Weight `embeddings` [inputDim, outputDim]. An id that is
 * no row of it is refused before anything runs; one that another layer computes gives zeros.
 */
export const embedding = (options: EmbeddingOptions): Layer => makeLayer(embeddingKind, options)

/** Initializer: by default glorotUniform. */
export interface PositionEmbeddingOptions extends LayerOptions, OptionsOfWeights<'position'> {
  /** The longest sequence. Default: that of the input, which must then be fixed. */
  readonly length?: number | null
}

interface PositionEmbeddingConfig extends ConfigOfWeights<'position'> {
  readonly length: number | null
}

export const positionEmbeddingKind: LayerKind<PositionEmbeddingConfig> = {
  kind: 'positionEmbedding',
  read(options) {
    checkLayerOptions('positionEmbedding', options, ['length', ...weightKeys('position')])
    const { length = null } = options as PositionEmbeddingOptions
    const isLength = length === null || POSITIVE_INTEGER.holds(length)
    check(isLength, 'positionEmbedding: length', POSITIVE_INTEGER.expected, length)
    return { length, ...readWeights('positionEmbedding', options, { position: 'glorotUniform' }) }
  },
  build({ g, weight }, inputs, config) {
    const x = oneOfRank(inputs, 3, '[batch, steps, channels]')
    const [, steps, channels] = x.shape
    const { length } = config
    if (length !== null && steps > length) fail(`expected at most ${length} steps, its length; got ${steps}`)
    const position = weight('position', [length ?? steps, channels], weightOptions(config, 'position'))
    return g.plus(x, g.slice(position, 0, 0, steps))
  },
}

/**
 * Adds a learnt vector for each position: x [batch, steps, channels] + position[0..steps]. Weight `position`
 * [length, channels].
 */
export const positionEmbedding = (options: PositionEmbeddingOptions = {}): Layer =>
  makeLayer(positionEmbeddingKind, options)
