// The table of Keras's classes, by their names and by the kinds of our layers.
import type { NestedLayer } from '../../layers/nested.ts'
import { isRecord } from '../../numerics/errors.ts'
import { coreClasses, randomImages } from './core-classes.ts'
import { imageClasses } from './image-classes.ts'
import { type Config, type Dialect, own, type Row, type Slot } from './row.ts'
import { sequenceClasses } from './sequence-classes.ts'

const rows: readonly Row[] = [...coreClasses, ...imageClasses, ...sequenceClasses]
const byName: ReadonlyMap<string, Row> = new Map(rows.map((row) => [row.className, row]))

/** The row of a class; undefined where we have no such layer. */
export const rowOfClass = (className: unknown): Row | undefined =>
  byName.get(String(className)) ??
  (/^Random(?!Crop$)[A-Z]/.test(String(className)) ? randomImages : undefined)

/** The row that a layer of ours is written by; undefined where the dialect has no such layer. */
export const rowOfLayer = (
  { kind, config }: Pick<NestedLayer, 'kind' | 'config'>,
  dialect: Dialect,
): Row | undefined =>
  rows.find(
    (row) =>
      row.kind === kind.kind &&
      !row.lacks?.includes(dialect) &&
      (row.fits?.(config as Config, dialect) ?? true),
  )

/** The weights of a layer whose row and config are given, with those of layers within it. */
export function slotsOfLayer(row: Row, ours: Config, config: Config): readonly Slot[] {
  const inner = ({ kind, config: innerOwn }: NestedLayer, entry: unknown): readonly Slot[] => {
    const given = isRecord(entry) ? own(entry, 'config') : null
    const found = isRecord(entry) ? rowOfClass(own(entry, 'class_name')) : undefined
    const innerRow = found ?? rows.find((other) => other.kind === kind.kind)
    return innerRow ? slotsOfLayer(innerRow, innerOwn as Config, isRecord(given) ? given : {}) : []
  }
  return row.slots?.(ours, config, inner) ?? []
}
