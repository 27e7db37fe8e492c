// Every kind of layer by name: what a saved model may hold. Only `load` needs this table.
import { activationKind, denseKind, flattenKind, permuteKind, preluKind, reshapeKind } from './core.ts'
import type { LayerKind } from './layer.ts'
import {
  addKind,
  averageKind,
  concatenateKind,
  maximumKind,
  minimumKind,
  multiplyKind,
  subtractKind,
} from './merge.ts'

const kinds = [
  denseKind,
  activationKind,
  preluKind,
  flattenKind,
  reshapeKind,
  permuteKind,
  addKind,
  subtractKind,
  multiplyKind,
  averageKind,
  maximumKind,
  minimumKind,
  concatenateKind,
]

export const layerKinds: ReadonlyMap<string, LayerKind<object>> = new Map(
  kinds.map((kind) => [kind.kind, kind as LayerKind<object>]),
)
