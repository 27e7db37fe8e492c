// Names of layers and of classes, Keras's and ours.
import { isLayerName } from '../../layers/layer.ts'
import { CHAIN_INPUT } from './topology.ts'

/** The first of many, for a message. */
export const listText = (list: readonly string[]): string =>
  list.slice(0, 20).join(', ') + (list.length > 20 ? ', ...' : '')

/** Names that a model's layers have here: Keras's with '.' for what can't be in a name, each once. */
export function namer(renamed: Map<string, string>): (name: string, isModel?: boolean) => string {
  const taken = new Set<string>()
  return (given, isModel = false) => {
    const plain = given.replace(/[/:#\s]/g, '.').replaceAll('.', isModel ? '_' : '.')
    const base = isLayerName(plain) ? plain : `layer_${plain}`.slice(0, 100)
    let name = base
    for (let n = 2; taken.has(name); n++) name = `${base}_${n}`
    taken.add(name)
    if (name !== given && given !== CHAIN_INPUT) renamed.set(given, name)
    return name
  }
}

/** Keras's name of a class among the paths of a file: BatchNormalization is batch_normalization. */
export const pathName = (className: string): string =>
  className
    .replace('GroupQuery', 'GroupedQuery') // its file has another name than its class
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
