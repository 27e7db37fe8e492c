// Layers inside layers: the config of a layer that applies others. It holds the inner layer's kind: in memory the object
// itself, in JSON its name.
import type { Value } from '../graph/value.ts'
import { fail, isRecord, mismatch, unknownName } from '../numerics/errors.ts'
import { type BuildContext, type Layer, type LayerKind, type LayerKinds, showLayer } from './layer.ts'

export interface NestedLayer {
  readonly kind: LayerKind<object>
  readonly config: object
  /** The form in a saved model. */
  toJSON(): object
}

/** Reads a layer that a caller made, a nested one, or the entry of a file. @throws LanegradError naming `where` */
export function readNested(where: string, value: unknown, kinds?: LayerKinds): NestedLayer {
  let kind: LayerKind<object>
  let config: object
  if (typeof value === 'function' && 'kind' in value && 'config' in value) {
    ;({ kind, config } = value as unknown as Layer)
  } else {
    if (!isRecord(value) || !isRecord(value.config) || !(kinds || isRecord(value.kind)))
      fail(`${where} must be a layer; got ${showLayer(value)}`)
    const given = value.kind
    if (kinds) {
      kind = kinds.get(String(given)) ?? unknownName('layer', given, [...kinds.keys()])
      config = kind.read(value.config, kinds)
    } else {
      kind = given as unknown as LayerKind<object>
      config = value.config
    }
  }
  return { kind, config, toJSON: () => ({ kind: kind.kind, config }) }
}

/** Writes the inner layer; its weights are named `<outer layer>/<own>/...`. */
export function buildOutputs(
  { kind, config }: NestedLayer,
  context: BuildContext,
  own: string,
  inputs: readonly Value[],
): readonly Value[] {
  return [kind.build(context.nested(own), inputs, config)].flat()
}

/** The same of a layer that has one output. @throws LanegradError where it has several */
export function buildNested(
  layer: NestedLayer,
  context: BuildContext,
  own: string,
  inputs: readonly Value[],
): Value {
  const built = buildOutputs(layer, context, own, inputs)
  return built.length === 1 ? built[0] : mismatch(`one output of the inner ${layer.kind.kind}`, built.length)
}
