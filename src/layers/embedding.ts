// Embeddings: rows of a table for int32 ids [batch, ...], and rows of a table for the positions of [batch, steps, channels].
import { masksOf } from '../graph/masks.ts'
import * as ops from '../graph/operations.ts'
import { BOOLEAN, mismatch, orNull, POSITIVE_INTEGER } from '../numerics/errors.ts'
import { gather, nonZero } from '../operations/embedding.ts'
import { limitIds } from './ids.ts'
import { type Layer, type LayerKind, type LayerOptions, makeLayer, readLayer } from './layer.ts'
import { idInput, inputOfAxes, weightOptions, weightReaders } from './options.ts'
import type { EmbeddingsOptions, PositionOptions } from './weights.ts'

/** Options of `embedding`. */
export interface EmbeddingOptions extends LayerOptions, EmbeddingsOptions {
  /** Number of ids: they go from 0 to inputDim - 1. */
  readonly inputDim: number
  /** Size of the vector of each id. */
  readonly outputDim: number
  /** Whether steps whose id is 0 are padding, which later layers and the loss leave out. Default false. */
  readonly maskZero?: boolean
}

const readEmbedding = (options: object) =>
  readLayer('embedding', options, {
    inputDim: POSITIVE_INTEGER,
    outputDim: POSITIVE_INTEGER,
    maskZero: [BOOLEAN, false],
    ...weightReaders({ embeddings: 'randomUniform' }),
  })

export const embeddingKind: LayerKind<ReturnType<typeof readEmbedding>> = {
  kind: 'embedding',
  read: readEmbedding,
  build({ g, weight }, inputs, config) {
    const ids = idInput(inputs)
    const { inputDim, outputDim, maskZero } = config
    limitIds(g, ids, inputDim)
    const table = weight('embeddings', [inputDim, outputDim], weightOptions(config, 'embeddings'))
    const [y] = g.add(gather, [table, ids], {})
    if (maskZero && ids.shape.length === 2) masksOf(g).set(y, g.add(nonZero, [ids], {})[0])
    return y
  },
}

/**
 * Embedding: int32 ids [batch, ...] to vectors [batch, ..., outputDim]. Weight `embeddings` [inputDim, outputDim]. An id
 * outside the table is refused before a step runs; if another layer computed it, it gives zeros.
 * @throws LanegradError on an unknown or bad option, or an input that isn't int32
 * @example
 * ```js
 * import { embedding, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [5], inputDtype: 'int32', layers: [embedding({ inputDim: 100, outputDim: 8 })] })
 * console.log(model.predict(Int32Array.of(1, 2, 3, 4, 5)).shape) // [ 1, 5, 8 ]
 * ```
 */
export const embedding = (options: EmbeddingOptions): Layer => makeLayer(embeddingKind, options)

/** Options of `positionEmbedding`. */
export interface PositionEmbeddingOptions extends LayerOptions, PositionOptions {
  /** Length of the longest sequence. Default null: that of the input, which must then be known. */
  readonly length?: number | null
}

const readPosition = (options: object) =>
  readLayer('positionEmbedding', options, {
    length: [orNull(POSITIVE_INTEGER), null],
    ...weightReaders({ position: 'glorotUniform' }),
  })

export const positionEmbeddingKind: LayerKind<ReturnType<typeof readPosition>> = {
  kind: 'positionEmbedding',
  read: readPosition,
  build({ g, weight }, inputs, config) {
    const x = inputOfAxes(inputs, '[batch, steps, channels]')
    const [, steps, channels] = x.shape
    const { length } = config
    if (length !== null && steps > length) mismatch(`at most ${length} steps (its length)`, steps)
    const position = weight('position', [length ?? steps, channels], weightOptions(config, 'position'))
    return ops.plus(g, x, ops.slice(g, position, 0, 0, steps))
  },
}

/**
 * Adds a learnt vector for each position: x [batch, steps, channels] + position[0..steps]. Weight `position`
 * [length, channels].
 * @throws LanegradError for an input of another rank or with more steps than `length`
 * @example
 * ```js
 * import { embedding, positionEmbedding, sequential } from 'lanegrad'
 *
 * const layers = [embedding({ inputDim: 100, outputDim: 8 }), positionEmbedding({ length: 16 })]
 * const model = sequential({ inputShape: [null], inputDtype: 'int32', layers })
 * console.log(model.predict([[7, 7, 7]]).shape) // [ 1, 3, 8 ]
 * console.log(model.getWeights()['positionEmbedding_1/position'].shape) // [ 16, 8 ]
 * ```
 */
export const positionEmbedding = (options: PositionEmbeddingOptions = {}): Layer =>
  makeLayer(positionEmbeddingKind, options)
