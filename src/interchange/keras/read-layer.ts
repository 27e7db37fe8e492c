// One layer of Keras becomes ours. Enters: its row of the table and its config. Leaves: the layer, or nothing and a line among the
// problems, so that all problems of a model can be told at once.
import type { Layer } from '../../layers/layer.ts'
import { isRecord, LanegradError, show } from '../../numerics/errors.ts'
import type { RowShape } from '../../numerics/shape.ts'
import { rowOfClass } from './classes.ts'
import { type Config, type Dialect, own, type ReadPlace, type Row, readFields } from './row.ts'

/** What is found while a model is read or written. */
export interface Findings {
  readonly dialect: Dialect
  readonly notes: string[]
  readonly problems: Set<string>
  /** The number of rows of every batch, where the inputs of the model tell it. */
  readonly batch: number | null
}

/** Where a layer is read; `shapes`: of its inputs. */
export function placeOf(
  findings: Findings,
  layer: string,
  weight: ReadPlace['weight'],
  shapes: readonly RowShape[],
): ReadPlace {
  const at: ReadPlace = {
    dialect: findings.dialect,
    batch: findings.batch,
    layer,
    note: (text) => findings.notes.push(text),
    refuse: (text) => findings.problems.add(`${layer}: ${text}`),
    weight,
    shapes,
    inner(entry, innerShapes) {
      const config = isRecord(entry) ? own(entry, 'config') : null
      const row = isRecord(entry) ? rowOfClass(own(entry, 'class_name')) : undefined
      if (!row || !isRecord(config)) return void at.refuse(`the layer ${show(entry)} within it`)
      const place = placeOf(findings, layer, () => undefined, innerShapes)
      return layerOf(findings, row, config, null, place)
    },
  }
  return at
}

/** Our layer of a config, named `name` unless that is null; undefined: it was refused. */
export function layerOf(
  { problems }: Findings,
  row: Row,
  config: Config,
  name: string | null,
  at: ReadPlace,
): Layer<unknown> | undefined {
  const before = problems.size
  try {
    const prepared = row.prepare?.(config, at) ?? config
    const read = readFields(row, prepared, at)
    if (problems.size > before) return undefined
    const trainable = own(config, 'trainable') !== false
    return row.make({ ...read, ...(name !== null && { name }), trainable } as never)
  } catch (error) {
    if (!(error instanceof LanegradError)) throw error
    problems.add(`${at.layer}: ${error.message}`)
    return undefined
  }
}
