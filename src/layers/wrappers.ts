// Layers around sequences: bidirectional and timeDistributed apply a layer that they hold; masking marks the steps that count.
import { masksOf } from '../graph/masks.ts'
import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import type { GraphWriter } from '../graph/writer.ts'
import { FINITE, fail, oneOf } from '../numerics/errors.ts'
import { reverse } from '../operations/recurrent.ts'
import {
  type Layer,
  type LayerKind,
  type LayerOptions,
  makeLayer,
  type RecurrentLayer,
  readLayer,
  type Symbolic,
} from './layer.ts'
import { buildNested, buildOutputs, type NestedLayer, readNested } from './nested.ts'
import { inputOfAxes } from './options.ts'

const merges: Readonly<Record<string, (g: GraphWriter, a: Value, b: Value) => Value>> = {
  concat: (g, a, b) => ops.concatenate(g, [a, b], a.shape.length - 1),
  sum: (g, a, b) => ops.plus(g, a, b),
  mul: (g, a, b) => ops.times(g, a, b),
  ave: (g, a, b) => ops.scale(g, ops.plus(g, a, b), 0.5),
}

/** Options of `bidirectional`. */
export interface BidirectionalOptions extends LayerOptions {
  /** A recurrent layer (simpleRnn, lstm, gru, convLstm1d, convLstm2d, convLstm3d). With `returnState` a call gives its last states behind the
   * result, then those of the other layer.
   */
  readonly layer: RecurrentLayer<Symbolic | readonly Symbolic[]>
  /** The layer that reads from the end. Default null: one like `layer`, in the other direction, with weights of its own. */
  readonly backwardLayer?: RecurrentLayer<Symbolic | readonly Symbolic[]> | null
  /** How the two results are merged. Default 'concat': on the last axis. null: a call gives both, [forward, backward]. */
  readonly mergeMode?: 'concat' | 'sum' | 'mul' | 'ave' | null
}

/** The option with which `bidirectional` gives both results. */
export interface Unmerged {
  /** A call gives both results, [forward, backward]. */
  readonly mergeMode: null
}

/** The option with which `bidirectional` gives states. */
export interface BothStates {
  /** A recurrent layer with `returnState`: a call gives y, the states of `layer` and those of the other one. */
  readonly layer: RecurrentLayer<readonly Symbolic[]>
}

interface BidirectionalConfig {
  readonly layer: NestedLayer
  readonly backwardLayer: NestedLayer | null
  readonly mergeMode: string | null
}

/** The part of a recurrent layer's config that matters here. */
interface Directed {
  readonly goBackwards?: boolean
  readonly returnSequences?: boolean
  readonly returnState?: boolean
}

export const bidirectionalKind: LayerKind<BidirectionalConfig> = {
  kind: 'bidirectional',
  read(options, kinds) {
    const readDirected = (value: unknown, what: string) => {
      const nested = readNested(what, value, kinds)
      if ((nested.config as Directed).goBackwards === undefined)
        fail(`${what} must be a recurrent layer; got ${nested.kind.kind}`)
      return nested
    }
    const config = readLayer('bidirectional', options, {
      layer: readDirected,
      backwardLayer: [(value: unknown, what: string) => (value ? readDirected(value, what) : null), null],
      mergeMode: [oneOf(...Object.keys(merges), null), 'concat'],
    })
    if (config.backwardLayer) {
      const [a, b] = [config.layer.config as Directed, config.backwardLayer.config as Directed]
      if (
        a.goBackwards === b.goBackwards ||
        a.returnSequences !== b.returnSequences ||
        a.returnState !== b.returnState
      )
        fail(
          'bidirectional: layer and backwardLayer must differ in goBackwards and agree in returnSequences and returnState',
        )
    }
    return config
  },
  outputs: ({ layer, backwardLayer, mergeMode }) =>
    [layer, backwardLayer ?? layer].reduce(
      (count, { kind, config }) => count + (kind.outputs?.(config) ?? 1) - 1,
      mergeMode === null ? 2 : 1,
    ),
  build(context, [x, ...states], { layer, backwardLayer, mergeMode }) {
    const { g } = context
    const { goBackwards, returnSequences = false } = layer.config as Directed
    const opposite = backwardLayer ?? { ...layer, config: { ...layer.config, goBackwards: !goBackwards } }
    const half = states.length / 2 // initial states: those of `layer` first
    let [forward, ...last] = buildOutputs(layer, context, 'forward', [x, ...states.slice(0, half)])
    let [backward, ...others] = buildOutputs(opposite, context, 'backward', [x, ...states.slice(half)])
    if (returnSequences) {
      // both in the order of x
      const inOrder = (y: Value) => g.add(reverse, [y], { axis: 1 })[0]
      if (goBackwards) forward = inOrder(forward)
      else backward = inOrder(backward)
    }
    const outputs = mergeMode === null ? [forward, backward] : [merges[mergeMode](g, forward, backward)]
    for (const y of outputs) g.masks?.set(y, returnSequences ? g.masks.of(x) : null)
    return [...outputs, ...last, ...others]
  },
}

/**
 * Reads a sequence in both directions and merges the results. Weights: `<name>/forward/...` and `<name>/backward/...`. A
 * returned sequence is in the order of the input. Initial states: first those of `layer`, then those of the other.
 * @throws LanegradError on an unknown or bad option, or two layers of one direction
 * @example
 * ```js
 * import { bidirectional, gru, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [10, 4], layers: [bidirectional({ layer: gru({ units: 8 }) })] })
 * console.log(model.predict(new Float32Array(40)).shape) // [ 1, 16 ]
 * ```
 */
export function bidirectional(
  options: BidirectionalOptions & (Unmerged | BothStates),
): Layer<readonly Symbolic[]>
export function bidirectional(options: BidirectionalOptions): Layer
export function bidirectional(options: BidirectionalOptions): Layer<never> {
  return makeLayer<BidirectionalConfig, never>(bidirectionalKind, options)
}

/** Options of `timeDistributed`. */
export interface TimeDistributedOptions extends LayerOptions {
  /** A layer of one input and one output. */
  readonly layer: Layer
}

export const timeDistributedKind: LayerKind<{ readonly layer: NestedLayer }> = {
  kind: 'timeDistributed',
  read: (options, kinds) =>
    readLayer('timeDistributed', options, {
      layer: (value: unknown, what: string) => readNested(what, value, kinds),
    }),
  build(context, inputs, { layer }) {
    const { g } = context
    const x = inputOfAxes(inputs, '[batch, steps, features, ...]')
    const [batch, steps, ...rest] = x.shape
    const y = buildNested(layer, context, 'layer', [ops.reshape(g, x, [batch * steps, ...rest])])
    return ops.reshape(g, y, [batch, steps, ...y.shape.slice(1)])
  },
}

/**
 * Applies a layer to every step: [batch, steps, features, ...] to [batch, steps, ...]. Weights: `<name>/layer/...`.
 * @throws LanegradError on an unknown option, or an input below rank 3
 * @example
 * ```js
 * import { dense, sequential, timeDistributed } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [10, 4], layers: [timeDistributed({ layer: dense({ units: 3 }) })] })
 * console.log(model.predict(new Float32Array(40)).shape) // [ 1, 10, 3 ]
 * ```
 */
export const timeDistributed = (options: TimeDistributedOptions): Layer =>
  makeLayer(timeDistributedKind, options)

/** Options of `masking`. */
export interface MaskingOptions extends LayerOptions {
  /** A step counts unless all of its features are this. Default 0. */
  readonly maskValue?: number
}

export const maskingKind: LayerKind<{ readonly maskValue: number }> = {
  kind: 'masking',
  read: (options) => readLayer('masking', options, { maskValue: [FINITE, 0] }),
  build({ g }, inputs, { maskValue }) {
    const x = inputOfAxes(inputs, '[batch, steps, features, ...]')
    const equal = ops.binary(g, 'equal', x, g.constant(maskValue))
    const isMasked = ops.reduce(g, 'min', equal, x.shape.map((_, i) => i).slice(2), { keepDims: true })
    const counts = ops.minus(g, g.constant(1), isMasked) // [batch, steps, 1, ...]
    const y = ops.times(g, x, counts)
    masksOf(g).set(y, ops.reshape(g, counts, x.shape.slice(0, 2)))
    return y
  },
}

/**
 * Marks the steps of [batch, steps, features, ...] that count, for the layers and losses behind it. The other steps, whose
 * features are all `maskValue`, become 0.
 * @throws LanegradError for a maskValue that isn't finite, or an input below rank 3
 * @example
 * ```js
 * import { gru, masking, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [null, 1], layers: [masking({ maskValue: -1 }), gru({ units: 4 })] })
 * const short = model.predict([[[5], [0]]])
 * const padded = model.predict([[[5], [0], [-1], [-1]]])
 * console.log(padded.data.join() === short.data.join()) // true
 * ```
 */
export const masking = (options: MaskingOptions = {}): Layer => makeLayer(maskingKind, options)
