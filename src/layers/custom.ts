// A user's own kind of layer, written with the operations of a GraphBuilder, which have gradients.
import { assign } from '../graph/assign.ts'
import { graphBuilder } from '../graph/builder.ts'
import { masksOf } from '../graph/masks.ts'
import { isValue, type Value } from '../graph/value.ts'
import {
  BOOLEAN,
  check,
  checkOptions,
  guarded,
  isFunction,
  isRecord,
  type Rule,
  reading,
  readOptions,
} from '../numerics/errors.ts'
import { STATE } from '../session/layout.ts'
import { readConstraint } from './constraints.ts'
import { limitIds } from './ids.ts'
import { readInitializer } from './initializers.ts'
import {
  type BuildContext,
  checkLayerName,
  type Layer,
  type LayerContext,
  type LayerKind,
  type LayerOptions,
  makeLayer,
  readLayer,
} from './layer.ts'
import { readRegularizer } from './options.ts'

/** The definition that `customLayer` takes. */
export interface CustomLayerDefinition<C extends object> {
  /** Its name, up to 100 letters, digits and underscores, which saved models hold. */
  readonly kind: string
  /**
   * Writes the layer: gets values with the batch axis first, gives one value. `context.g` has the operations,
   * `context.weight(name, shape, { initializer: 'zeros' })` the weights. Called anew for every batch size and kind of run. Throw
   * a LanegradError where an input doesn't fit; the layer's name is put in front.
   */
  build(context: LayerContext, inputs: readonly [Value, ...Value[]], config: C): Value
  /** Its options with their defaults: numbers, strings, booleans, null, lists and objects of these. Default {}. */
  readonly config?: C
}

/** The constructor of a kind of layer; `load(bytes, { layers: [...] })` takes it. */
export interface CustomLayer<C extends object> {
  (options?: Partial<C> & LayerOptions): Layer
  readonly layerKind: LayerKind<object>
}

const PLAIN: Rule = {
  expected: 'plain data (JSON)',
  holds: (value): value is unknown => isPlain(value),
}

const isPlain = (value: unknown): boolean => {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object') return false
  const isList = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
  return isList && Object.values(value).every(isPlain)
}

const WEIGHT = {
  initializer: [readInitializer, 'glorotUniform'],
  regularizer: [readRegularizer, {}],
  constraint: [readConstraint, null],
  trainable: [BOOLEAN, true],
  stays: [BOOLEAN, false],
} as const

/** The context that the user's code is given. */
const forOwn = (context: BuildContext): LayerContext =>
  guarded('context', {
    ...context,
    g: guarded('g', graphBuilder(context.g)),
    limitIds: (ids, count) => limitIds(context.g, ids, count),
    assign: (weight, next) => assign(context.g, weight, next),
    maskOf: (value) => masksOf(context.g).of(value),
    setMask: (value, mask) => masksOf(context.g).set(value, mask),
    weight(name, shape, options = {}) {
      checkLayerName(name, 'name of a weight')
      const { stays, trainable, ...read } = readOptions(`weight ${name}`, options, WEIGHT)
      return context.weight((stays ? STATE : '') + name, shape, { ...read, trainable: trainable && !stays })
    },
    nested(own) {
      checkLayerName(own, 'name of a nested layer')
      return forOwn(context.nested(own))
    },
  })

/**
 * A kind of layer of your own.
 *
 *     const scaled = customLayer({
 *       kind: 'scaled',
 *       config: { factor: 1 },
 *       build: ({ g }, [x], { factor }) => g.scale(x, factor),
 *     })
 *     sequential({ inputShape: [4], layers: [scaled({ factor: 2 }), dense({ units: 1 })] })
 *
 * @throws LanegradError on an option it doesn't take or that isn't plain data
 * @example
 * ```js
 * import { customLayer, sequential } from 'lanegrad'
 *
 * const halve = customLayer({ kind: 'halve', build: ({ g }, [x]) => g.scale(x, 0.5) })
 * const model = sequential({ inputShape: [2], layers: [halve()] })
 * console.log([...model.predict([[2, 4]]).data]) // [ 1, 2 ]
 * ```
 */
export function customLayer<C extends object = object>(definition: CustomLayerDefinition<C>): CustomLayer<C> {
  const read = checkOptions('customLayer', definition, ['kind', 'build', 'config'])
  const { kind, build, config: defaults = {} } = read
  check(isRecord(defaults), 'customLayer: config', 'an object', defaults)
  check(
    typeof kind === 'string' && /^\w{1,100}$/.test(kind),
    'customLayer: kind',
    'a name of letters and digits',
    kind,
  )
  check(isFunction(build), 'customLayer: build', 'a function', build)
  const layerKind: LayerKind<object> = {
    kind,
    read: (options) =>
      readLayer(
        kind,
        options,
        Object.fromEntries(Object.entries(defaults).map(([key, value]) => [key, [PLAIN, value]])),
      ),
    build(context, inputs, config) {
      const what = 'the result of build'
      const value = build(forOwn(context), inputs as readonly [Value, ...Value[]], config as C)
      check(
        reading(what, () => isValue(value)),
        what,
        'a value',
        value,
      )
      const { shape } = value
      check(shape[0] === inputs[0].shape[0], what, 'a value with the batch axis first', shape)
      context.g.opaque.add(value)
      return value
    },
  }
  return Object.assign((options: LayerOptions = {}) => makeLayer(layerKind, options), { layerKind })
}
