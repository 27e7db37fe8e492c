// The layers of a network written into a graph: values by name, the weights they read, and what layers keep from step to
// step. Enters: a network and the shapes of a batch.

import { copy } from '../graph/ops/moves.ts'
import type { Value } from '../graph/value.ts'
import type { GraphWriter } from '../graph/writer.ts'
import type { Constraint } from '../layers/constraints.ts'
import { type Initializer, readInitializer } from '../layers/initializers.ts'
import type { BuildContext, Regularizer, WeightOptions } from '../layers/layer.ts'
import { isError } from '../numerics/brands.ts'
import { fail, LanegradError } from '../numerics/errors.ts'
import { streamOf } from '../numerics/random.ts'
import { type Shape, sameShape, shapeText } from '../numerics/shape.ts'
import { isState, type ParameterSpec } from '../session/layout.ts'
import { type Call, type Network, outputName } from './network.ts'

export interface WeightSpec extends ParameterSpec {
  readonly initializer: Initializer
  readonly regularizer: Regularizer
  readonly constraint: Constraint | null
}

export interface Forward {
  readonly values: ReadonlyMap<string, Value>
  /** Weights read, in the order of first use. */
  readonly weights: ReadonlyMap<string, { readonly value: Value; readonly spec: WeightSpec }>
}

/** The most axes of a value, its batch axis counted: as many as nested arrays may have. */
const MOST_AXES = 32

const NO_REGULARIZER: Regularizer = {}

/** Writes the layers; `shapes` has each input's shape with its batch axis. */
export function writeLayers(
  g: GraphWriter,
  network: Network,
  shapes: readonly Shape[],
  {
    training,
    seed,
    isOutline = false,
  }: { readonly training: boolean; readonly seed: number; readonly isOutline?: boolean },
): Forward {
  const values = new Map<string, Value>()
  const weights = new Map<string, { value: Value; spec: WeightSpec }>()
  network.inputs.forEach(({ name, dtype }, i) => {
    values.set(name, g.leaf('input', name, shapes[i], dtype))
  })

  const weight = (
    prefix: string,
    name: string,
    isTrainable: boolean,
    shape: Shape,
    options: WeightOptions = {},
  ): Value => {
    const {
      initializer = 'glorotUniform',
      regularizer = NO_REGULARIZER,
      constraint = null,
      trainable = true,
    } = options
    const full = `${prefix}/${name}`
    const known = weights.get(full)
    const own = full.slice(full.indexOf('/') + 1)
    if (known && !sameShape(known.spec.shape, shape)) {
      fail(`its weight ${own} has shape ${shapeText(known.spec.shape)}; this input needs ${shapeText(shape)}`)
    }
    constraint?.checkRank(own, shape.length)
    const spec: WeightSpec = {
      name: full,
      shape,
      initializer: typeof initializer === 'string' ? readInitializer(initializer) : initializer,
      regularizer,
      constraint,
      trainable: trainable && isTrainable,
    }
    const entry = known ?? { value: g.leaf('parameter', full, shape), spec }
    weights.set(full, entry)
    const next = (training || isState({ name })) && g.assigned.get(full)
    if (!next) return entry.value
    const now = copy(g, next) // a value of its own, by which `assign` knows the weight
    g.moved.set(now, full)
    return now
  }

  /** The functions for the build of one call; `prefix` of its weights is the layer's name, then the name of a layer inside it. */
  const contextOf = (call: Call, prefix: string): BuildContext => ({
    g,
    training,
    isOutline,
    trainable: call.layer.trainable,
    seed,
    stream: (own = '') => streamOf(`${call.name}${prefix.slice(call.layer.name.length)}/${own}`),
    weight: (own, shape, options) => weight(prefix, own, call.layer.trainable, shape, options),
    weightOf(...names) {
      const around = call.layer.name.split('.') // the names of the models that the layer lies in, and its own
      const full = around.flatMap((_, i) => names.map((own) => [...around.slice(0, i), own].join('.')))
      const found = full.reverse().find((name) => weights.has(name)) ?? names[0]
      return weights.get(found)?.value ?? fail(`tied to ${found}, which no earlier layer has`)
    },
    nested: (own) => contextOf(call, `${prefix}/${own}`),
  })

  for (const call of network.calls) {
    const { name, layer } = call
    g.label = layer.name
    const inputs = call.inputs.map((value) => values.get(value) as Value)
    try {
      const built = layer.kind.build(contextOf(call, layer.name), inputs, layer.config)
      const outputs = Array.isArray(built) ? (built as readonly Value[]) : [built as Value]
      outputs.forEach((value, i) => {
        if (value.shape.length > MOST_AXES)
          fail(`makes a value of ${value.shape.length} axes; ${MOST_AXES} are the most`)
        values.set(outputName(name, i), value)
      })
      g.masks?.handOn(inputs, outputs)
    } catch (error) {
      if (error instanceof LanegradError) fail(`layer ${name}: ${error.message}`)
      if (isError(error)) Reflect.set(error, 'message', `layer ${name}: ${error.message}`) // of a user's own
      throw error
    }
  }
  g.label = ''
  return { values, weights }
}
