// A sequence of layers under one name, whose values may be computed twice instead of kept in memory.
import { recomputed } from '../graph/recompute.ts'
import { BOOLEAN, check } from '../numerics/errors.ts'
import { isLayerName, type Layer, type LayerKind, type LayerOptions, makeLayer, readLayer } from './layer.ts'
import { buildNested, type NestedLayer, readNested } from './nested.ts'
import { singleInput } from './options.ts'

/** Options of `block`. */
export interface BlockOptions extends LayerOptions {
  /** The layers, applied one after another, each with one output. The block's `trainable` holds for all. */
  readonly layers: readonly Layer[]
  /**
   * Gradient checkpointing: the values inside the block aren't kept for the backward phase, which computes them again from
   * the block's input. Gradients are the same, bit for bit; a step needs less memory and at most a third more time. Default
   * false.
   */
  readonly recompute?: boolean
}

interface BlockConfig {
  readonly layers: readonly NestedLayer[]
  /** The names of the layers: weights are named `<block>/<name>/...`. */
  readonly names: readonly string[]
  readonly recompute: boolean
}

export const blockKind: LayerKind<BlockConfig> = {
  kind: 'block',
  read(options, kinds) {
    const { recompute } = readLayer('block', options, { recompute: [BOOLEAN, false] }, ['layers', 'names'])
    const { layers, names } = options as BlockOptions & Partial<BlockConfig>
    check(Array.isArray(layers) && layers.length > 0, 'block: layers', 'a list of layers', layers)
    const nested = layers.map((layer, i) => readNested(`block: layers[${i}]`, layer, kinds))
    const isFrozen = (layer: unknown) => (layer as Partial<Layer>).trainable === false
    const frozen = layers.findIndex(isFrozen)
    check(frozen < 0, `block: layers[${frozen}]: trainable`, 'an option of the block', false)
    const own = names ?? layers.map(({ layerName }, i) => layerName ?? `${nested[i].kind.kind}_${i + 1}`)
    const isUnique = Array.isArray(own) && own.length === layers.length && new Set(own).size === own.length
    check(isUnique && own.every(isLayerName), 'block: names', 'a list of unique names', own)
    return { layers: nested, names: own, recompute }
  },
  build(context, inputs, { layers, names, recompute }) {
    const { g } = context
    const writeChain = () =>
      layers.reduce((x, layer, i) => {
        const y = buildNested(layer, context, names[i], [x])
        const mask = g.masks?.of(x)
        if (mask) g.masks?.inherit(y, mask) // as between layers of a model
        return y
      }, singleInput(inputs))
    return recompute ? recomputed(g, writeChain) : writeChain()
  },
}

/**
 * A sequence of layers as one layer. Weights are named `<block>/<layer>/<weight>`; a layer without a name is called by its
 * kind and its place: `dense_1`.
 * @throws LanegradError on an unknown or bad option, or two layers of one name
 * @example
 * ```js
 * import { block, dense, sequential } from 'lanegrad'
 *
 * const layers = [dense({ units: 64 }), dense({ units: 4 })]
 * const model = sequential({ inputShape: [4], layers: [block({ layers, recompute: true })] })
 * console.log(model.predict(new Float32Array(8)).shape) // [ 2, 4 ]
 * ```
 */
export const block = (options: BlockOptions): Layer => makeLayer(blockKind, options)
