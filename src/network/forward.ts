// The layers of a network written into a graph: values by name, the weights they read, and what layers keep from step to
// step. Enters: a network and the shapes of a batch.

import { copy } from '../graph/ops/moves.ts'
import type { Value } from '../graph/value.ts'
import type { GraphWriter } from '../graph/writer.ts'
import type { Constraint } from '../layers/constraints.ts'
import { type Initializer, readInitializer } from '../layers/initializers.ts'
import { type BuildContext, checkLayerName, type Regularizer, type WeightOptions } from '../layers/layer.ts'
import { isError } from '../numerics/brands.ts'
import { fail, LanegradError } from '../numerics/errors.ts'
import { streamOf } from '../numerics/random.ts'
import { rowShapeText, type Shape, sameShape, shapeText } from '../numerics/shape.ts'
import { type ParameterSpec, STATE } from '../session/layout.ts'
import { type Call, type ModelCall, type Network, outputName } from './network.ts'

export interface WeightSpec extends ParameterSpec {
  readonly initializer: Initializer
  readonly regularizer: Regularizer
  readonly constraint: Constraint | null
}

export interface Forward {
  readonly values: ReadonlyMap<string, Value>
  /** Weights read, in the order of first use. */
  readonly weights: ReadonlyMap<string, { readonly value: Value; readonly spec: WeightSpec }>
  /** The new value of a weight after a training step, by its name. */
  readonly assigned: ReadonlyMap<string, Value>
}

/** The most axes of a value, its batch axis counted: as many as nested arrays may have. */
const MOST_AXES = 32

const NO_REGULARIZER: Regularizer = {}

/** Whether a call of a model is on values of the shapes that the model was made for. @throws LanegradError */
function checkTaken(model: ModelCall, { inputs }: Call, values: ReadonlyMap<string, Value>): void {
  for (const { value, shape } of model.inputs) {
    if (!inputs.includes(value)) continue
    const given = values.get(value)?.shape.slice(1) ?? []
    if (given.length !== shape.length || shape.some((n, axis) => n !== null && n !== given[axis]))
      fail(
        `model ${model.name} takes ${rowShapeText(shape)} and is called on ${value}, which is ${rowShapeText(given)}`,
      )
  }
}

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
  const assigned = new Map<string, Value>()
  const moved = new Map<Value, string>() // weights as an earlier call of the step left them
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
      stays = false,
    } = options
    const full = `${prefix}/${stays ? STATE : ''}${name}`
    const known = weights.get(full)
    const own = full.slice(full.indexOf('/') + 1)
    if (known && !sameShape(known.spec.shape, shape)) {
      fail(`its weight ${own} has shape ${shapeText(known.spec.shape)}, this input needs ${shapeText(shape)}`)
    }
    constraint?.checkRank(own, shape.length)
    const spec: WeightSpec = {
      name: full,
      shape,
      initializer: typeof initializer === 'string' ? readInitializer(initializer) : initializer,
      regularizer,
      constraint,
      trainable: trainable && isTrainable && !stays,
    }
    const entry = known ?? { value: g.leaf('parameter', full, shape), spec }
    weights.set(full, entry)
    const next = (training || stays) && assigned.get(full)
    if (!next) return entry.value
    const now = copy(g, next) // a value of its own, by which `assign` knows the weight
    moved.set(now, full)
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
    weight(own, shape, options) {
      checkLayerName(own, 'name of a weight')
      return weight(prefix, own, call.layer.trainable, shape, options)
    },
    weightOf(...names) {
      const { name } = call.layer
      const around = ['' as const, ...name.matchAll(/\./g)].map((dot) =>
        name.slice(0, dot === '' ? 0 : (dot.index ?? 0) + 1),
      ) // models it lies in
      const full = around.reverse().flatMap((prefix) => names.map((own) => prefix + own))
      const found = full.find((name) => weights.has(name)) ?? names[0]
      return weights.get(found)?.value ?? fail(`tied to ${found}, which no earlier layer has`)
    },
    assign(value, next) {
      const name = value.leaf?.kind === 'parameter' ? value.leaf.name : moved.get(value)
      if (name === undefined || !sameShape(value.shape, next.shape))
        fail(
          `assign: expected a weight and a value of its shape; got ${shapeText(value.shape)} and ${shapeText(next.shape)}`,
        )
      assigned.set(name, next)
    },
    nested(own) {
      checkLayerName(own, 'name of a nested layer')
      return contextOf(call, `${prefix}/${own}`)
    },
  })

  const entries = new Map<string, ModelCall[]>() // calls of models by the calls that read what they are called on
  for (const model of network.models)
    for (const call of model.calls) entries.set(call, [...(entries.get(call) ?? []), model])
  for (const call of network.calls) {
    const { name, layer } = call
    g.label = layer.name
    for (const model of entries.get(name) ?? []) checkTaken(model, call, values)
    try {
      const inputs = call.inputs.map((input) => values.get(input)).filter((value) => value !== undefined)
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
  return { values, weights, assigned }
}
