// Models that come from files of other makers carry notes of what was changed or dropped. Programs that load none of them don't
// carry the property: it is on the prototype of these models alone.
import { Model } from '../../model/model.ts'
import type { Values } from '../../network/network.ts'

/** A model that was read from a file of another maker. */
export type Imported<V extends Values = Values> = Model<V> & {
  /** What the import had to change or drop, a sentence each. */
  readonly importNotes: readonly string[]
}

/** The model with notes. */
export function importedOf<V extends Values>(model: Model<V>, notes: readonly string[]): Imported<V> {
  const { session } = model
  const importNotes = Object.freeze([...new Set(notes)])
  // a class of its own over the same session: models are sealed, so none can get a property
  const made = class extends (Model as unknown as new (of: typeof session) => object) {}
  Object.defineProperty(made.prototype, 'importNotes', { value: importNotes })
  return new made(session) as Imported<V>
}
