// Layers around sequences: bidirectional and timeDistributed apply a layer they hold, masking says which steps count.
import type { GraphBuilder } from '../graph/builder.ts'
import { shapeText, type Value } from '../graph/value.ts'
import { check, FINITE, fail, show } from '../numerics/errors.ts'
import { reverse } from '../operations/recurrent.ts'
import { checkLayerOptions, type Layer, type LayerKind, type LayerOptions, makeLayer } from './layer.ts'
import { buildNested, type NestedLayer, readNested } from './nested.ts'
import { one } from './options.ts'

const merges: Readonly<Record<string, (g: GraphBuilder, a: Value, b: Value) => Value>> = {
  concat: (g, a, b) => g.concatenate([a, b], a.shape.length - 1),
  sum: (g, a, b) => g.plus(a, b),
  mul: (g, a, b) => g.times(a, b),
  ave: (g, a, b) => g.scale(g.plus(a, b), 0.5),
}

export interface BidirectionalOptions extends LayerOptions {
  /** A recurrent layer: simpleRnn, lstm, gru or convLstm2d, without returnState. */
  readonly layer: Layer
  /** What reads from the end; default the same as `layer`, the other way round, with weights of its own. */
  readonly backwardLayer?: Layer | null
  /** How the two results become one; default 'concat', on the last axis. */
  readonly mergeMode?: 'concat' | 'sum' | 'mul' | 'ave'
}

interface BidirectionalConfig {
  readonly layer: NestedLayer
  readonly backwardLayer: NestedLayer | null
  readonly mergeMode: string
}

/** What of a recurrent layer's config matters here. */
interface Directed {
  readonly goBackwards?: boolean
  readonly returnSequences?: boolean
  readonly returnState?: boolean
}

export const bidirectionalKind: LayerKind<BidirectionalConfig> = {
  kind: 'bidirectional',
  read(options, kinds) {
    checkLayerOptions('bidirectional', options, ['layer', 'backwardLayer', 'mergeMode'])
    const { layer, backwardLayer, mergeMode = 'concat' } = options as BidirectionalOptions
    const known = typeof mergeMode === 'string' && Object.hasOwn(merges, mergeMode)
    check(known, 'bidirectional: mergeMode', Object.keys(merges).map(show).join(', '), mergeMode)
    const read = (name: string, value: unknown) => {
      const nested = readNested(`bidirectional: ${name}`, value, kinds)
      const { goBackwards, returnState } = nested.config as Directed
      if (goBackwards === undefined || returnState)
        fail(`bidirectional: ${name} must be a recurrent layer without returnState; got ${nested.kind.kind}`)
      return nested
    }
    const forward = read('layer', layer)
    const backward = backwardLayer ? read('backwardLayer', backwardLayer) : null
    if (backward) {
      const [a, b] = [forward.config as Directed, backward.config as Directed]
      if (a.goBackwards === b.goBackwards || a.returnSequences !== b.returnSequences)
        fail('bidirectional: layer and backwardLayer must differ in goBackwards and agree in returnSequences')
    }
    return { layer: forward, backwardLayer: backward, mergeMode }
  },
  build(context, [x, ...states], { layer, backwardLayer, mergeMode }) {
    const { g } = context
    const { goBackwards, returnSequences = false } = layer.config as Directed
    const opposite = backwardLayer ?? { ...layer, config: { ...layer.config, goBackwards: !goBackwards } }
    const half = states.length / 2 // initial states: those of `layer` first
    let forward = buildNested(layer, context, 'forward', [x, ...states.slice(0, half)])
    let backward = buildNested(opposite, context, 'backward', [x, ...states.slice(half)])
    if (returnSequences) {
      // both in the order of x
      const inOrder = (y: Value) => g.kernel(reverse, [y], { axis: 1 })[0]
      if (goBackwards) forward = inOrder(forward)
      else backward = inOrder(backward)
    }
    const y = merges[mergeMode](g, forward, backward)
    context.setMask(y, returnSequences ? context.maskOf(x) : null)
    return y
  },
}

/**
 * Reads a sequence in both directions. Weights: `<name>/forward/...` and `<name>/backward/...`. A returned sequence is in
 * the order of the input. Called with initial states, those of `layer` come first, then those of the other.
 */
export const bidirectional = (options: BidirectionalOptions): Layer => makeLayer(bidirectionalKind, options)

export interface TimeDistributedOptions extends LayerOptions {
  /** A layer of one input and one output. */
  readonly layer: Layer
}

export const timeDistributedKind: LayerKind<{ readonly layer: NestedLayer }> = {
  kind: 'timeDistributed',
  read(options, kinds) {
    checkLayerOptions('timeDistributed', options, ['layer'])
    return { layer: readNested('timeDistributed: layer', (options as TimeDistributedOptions).layer, kinds) }
  },
  build(context, inputs, { layer }) {
    const { g } = context
    const x = one(inputs)
    if (x.shape.length < 3)
      fail(`expected an input of rank 3 or more [batch, steps, ...], got shape ${shapeText(x.shape)}`)
    const [batch, steps, ...rest] = x.shape
    const y = buildNested(layer, context, 'layer', [g.reshape(x, [batch * steps, ...rest])])
    return g.reshape(y, [batch, steps, ...y.shape.slice(1)])
  },
}

/** Applies a layer to every step: [batch, steps, ...] to [batch, steps, ...]. Weights: `<name>/layer/...`. */
export const timeDistributed = (options: TimeDistributedOptions): Layer =>
  makeLayer(timeDistributedKind, options)

export interface MaskingOptions extends LayerOptions {
  /** A step all of whose features are this doesn't count. Default 0. */
  readonly maskValue?: number
}

export const maskingKind: LayerKind<{ readonly maskValue: number }> = {
  kind: 'masking',
  read(options) {
    checkLayerOptions('masking', options, ['maskValue'])
    const { maskValue = 0 } = options as MaskingOptions
    check(FINITE.holds(maskValue), 'masking: maskValue', FINITE.expected, maskValue)
    return { maskValue }
  },
  build({ g, setMask }, inputs, { maskValue }) {
    const x = one(inputs)
    if (x.shape.length < 3)
      fail(`expected an input of rank 3 or more [batch, steps, ...], got shape ${shapeText(x.shape)}`)
    const equal = g.binary('equal', x, g.constant(maskValue))
    const isMasked = g.reduce('min', equal, x.shape.map((_, i) => i).slice(2), { keepDims: true })
    const counts = g.minus(g.constant(1), isMasked) // [batch, steps, 1, ...]
    const y = g.times(x, counts)
    setMask(y, g.reshape(counts, x.shape.slice(0, 2)))
    return y
  },
}

/**
 * Marks the steps of [batch, steps, ...] that count, for the layers and losses behind it; the others become 0.
 */
export const masking = (options: MaskingOptions = {}): Layer => makeLayer(maskingKind, options)
