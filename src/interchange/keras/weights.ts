// The weights of Keras's HDF5 files. Enters: the root of a file. Leaves: a function that finds a weight by its place.
//   .weights.h5 of Keras 3   layers/<class>_<n>/vars/<i>; in files of TensorFlow 2.13 below _layer_checkpoint_dependencies
//   legacy .h5               model_weights/<layer>/<weight_names[i]>, such as dense/kernel:0, bi/forward_lstm/lstm_cell/kernel:0
// Layouts: keras/src/saving/saving_lib.py and keras/src/legacy/saving/legacy_h5_format.py of Keras 3.
import { type Hdf5Dataset, type Hdf5Group, isDataset } from '../../formats/hdf5/read.ts'
import { fail } from '../../numerics/errors.ts'
import type { NamedArray } from '../../numerics/tensor.ts'
import { listText } from './names.ts'
import type { WeightPlace } from './read.ts'
import type { WrittenWeight } from './write.ts'

export type Find = (place: WeightPlace) => NamedArray | undefined

const groupAt = (group: Hdf5Group, path: string): Hdf5Group | undefined => {
  const node = group.get(path)
  return node && !isDataset(node) ? node : undefined
}

/** Reads each dataset once. */
function reader(): (dataset: Hdf5Dataset | undefined) => NamedArray | undefined {
  const known = new Map<Hdf5Dataset, NamedArray>()
  return (dataset) => {
    if (!dataset) return undefined
    const array = known.get(dataset) ?? dataset.read()
    known.set(dataset, array)
    return array
  }
}

const datasetAt = (group: Hdf5Group, path: string): Hdf5Dataset | undefined => {
  const node = group.get(path)
  return isDataset(node) ? node : undefined
}

/** Where groups of variables are by the name that they note; a layer that several models have is in the first one alone. */
function namedGroups(root: Hdf5Group): Map<string, Hdf5Group> {
  const found = new Map<string, Hdf5Group>()
  const seen = new Set<Hdf5Group>()
  const stack = [root]
  for (let group = stack.pop(); group; group = stack.pop()) {
    if (seen.has(group)) continue
    seen.add(group)
    const [name] = groupAt(group, 'vars')?.attribute('name') ?? []
    if (name !== undefined && !found.has(name)) found.set(name, group)
    for (const own of group.names) {
      const inner = groupAt(group, own)
      if (inner && own !== 'vars') stack.push(inner)
    }
  }
  return found
}

/** A finder for files of Keras 3. */
export function finderByPath(root: Hdf5Group): Find {
  const read = reader()
  let named: Map<string, Hdf5Group> | undefined
  return ({ layer, path }) => {
    const older = path.replaceAll(/(^|\/)layers\//g, '$1_layer_checkpoint_dependencies/')
    const found = datasetAt(root, path) ?? datasetAt(root, older)
    if (found) return read(found)
    named ??= namedGroups(root)
    const group = named.get(layer)
    const inside = /^(?:layers\/[^/]+\/)+(.*)$/.exec(path)?.[1]
    return group && inside !== undefined ? read(datasetAt(group, inside)) : undefined
  }
}

const segments = (name: string): string[] => name.replace(/:\d+$/, '').split('/')

/** Whether `name` has all of `wanted` in their order, and ends as they do. */
function has(name: readonly string[], wanted: readonly string[]): boolean {
  let next = 0
  for (const segment of name) if (segment === wanted[next]) next++
  return next === wanted.length && name.at(-1) === wanted.at(-1)
}

/** A finder for legacy files: of models, or of weights alone. */
export function finderByName(root: Hdf5Group): Find {
  const read = reader()
  const models = groupAt(root, 'model_weights') ?? root
  const lists = new Map<string, readonly string[]>()
  return ({ owners, layer, name, path }) => {
    const outer = owners[0] ?? layer
    const group = groupAt(models, outer)
    if (!group) return undefined
    const names = lists.get(outer) ?? textsOf(group, 'weight_names')
    lists.set(outer, names)
    const wanted = [...layer.split('/'), ...name.split('/')]
    const fitting = names.filter((own) => has(segments(own), wanted))
    const exact = fitting.find((own) => String(segments(own)) === String(wanted))
    if (exact ?? fitting[0]) return read(datasetAt(group, exact ?? fitting[0]))
    // weights may bear the names of another model's layers: those of one layer come in its order
    const index = owners.length === 0 ? /^layers\/[^/]+\/(?:cell\/)?vars\/(\d+)$/.exec(path)?.[1] : undefined
    return index === undefined ? undefined : read(datasetAt(group, names[Number(index)] ?? ''))
  }
}

/** A list of texts, which Keras cuts into several attributes where it is long: name, or name0, name1, ... */
function textsOf(group: Hdf5Group, name: string): readonly string[] {
  const whole = group.attribute(name)
  if (whole) return whole
  const parts: string[] = []
  for (let i = 0; ; i++) {
    const part = group.attribute(`${name}${i}`)
    if (!part) return parts
    parts.push(...part)
  }
}

/** Whether a file of weights is in the form of Keras 3. */
export const isByPath = (root: Hdf5Group): boolean =>
  ['layers', '_layer_checkpoint_dependencies'].some((name) => root.names.includes(name))

/** The first model within the model of a file of Keras 3. */
export function innerModel(root: Hdf5Group): string | undefined {
  const layers = groupAt(root, 'layers')
  return layers?.names.find((name) => layers.get(`${name}/layers`))
}

/** The arrays of a file for the weights of a model, by our names. @throws LanegradError naming those that it lacks */
export function arraysFor(
  what: string,
  weights: readonly WrittenWeight[],
  find: Find,
): Record<string, NamedArray> {
  const missing: string[] = []
  const arrays: Record<string, NamedArray> = {}
  for (const { name, place, shape, array } of weights) {
    const found = find(place)
    if (!found) missing.push(`${name} (${place.path})`)
    else if (String(found.shape) !== String(array.shape))
      fail(`${what}: weight ${name} must have the shape [${array.shape}]; the file's has [${found.shape}]`)
    else arrays[name] = { shape, data: found.data }
  }
  if (missing.length > 0) fail(`${what}: the file lacks the weights ${listText(missing)}`)
  return arrays
}
