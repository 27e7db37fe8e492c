// The models within a network, each as a scope of its own that is called like a layer. Enters: a network, whose layers lie in line.
// Leaves: the outermost scope. A model stays in line where its calls aren't all alike (of one of them less was needed) or where the
// reader says that it must.
import {
  type Call,
  type ModelCall,
  type Network,
  type NetworkLayer,
  valuesOf,
} from '../../network/network.ts'

/** A layer or a model, called on values: those of the network, by their names there. */
export interface ScopeCall {
  readonly unit: NetworkLayer | Scope
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
}

export interface Scope {
  readonly name: string
  /** What the names of its layers begin with in the network. */
  readonly prefix: string
  /** The calls, inputs and outputs as they are in the first of the model's calls. */
  readonly calls: readonly ScopeCall[]
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** The shapes that the model takes, by its inputs, without the batch. */
  readonly shapes: ReadonlyMap<string, readonly (number | null)[]>
}

export const isScope = (unit: NetworkLayer | Scope): unit is Scope => 'calls' in unit

/** The layers of a scope and of those within it. */
export const layersIn = ({ calls }: Scope): NetworkLayer[] =>
  [...new Set(calls.map(({ unit }) => unit))].flatMap((unit) => (isScope(unit) ? layersIn(unit) : [unit]))

/** Pairs of calls of the same layers, in their order; null: `b` has others than `a`. Of some that `a` has it may have none. */
function paired(a: readonly Call[], b: readonly Call[]): [Call, Call][] | null {
  const left = new Map<NetworkLayer, Call[]>()
  for (const call of b) left.set(call.layer, [...(left.get(call.layer) ?? []), call])
  const pairs = a.flatMap((call): [Call, Call][] => {
    const other = left.get(call.layer)?.shift()
    return other ? [[call, other]] : []
  })
  return pairs.length === b.length ? pairs : null
}

/** The values of one call of a model by those of another; null: the other computes something else. */
function valuesLike(a: readonly Call[], b: readonly Call[]): ReadonlyMap<string, string> | null {
  const pairs = paired(a, b)
  if (!pairs) return null
  const made = new Map<string, string>()
  for (const [one, other] of pairs) {
    const theirs = valuesOf(other)
    for (const [i, value] of valuesOf(one).entries()) made.set(value, theirs[i])
  }
  const all = new Map(made)
  for (const [{ inputs }, { inputs: theirs }] of pairs)
    for (const [i, value] of inputs.entries()) {
      if (!all.has(value)) all.set(value, theirs[i])
      if (all.get(value) !== theirs[i]) return null
    }
  return all
}

/** The outermost scope of a network; `mayPass`: whether a value may go into a model or come out of one. */
export function scopeOf(network: Network, mayPass: (value: string) => boolean): Scope {
  const callOf = new Map(network.calls.map((call) => [call.name, call]))
  const readers = new Map<string, Set<string>>()
  for (const { name, inputs } of network.calls)
    for (const value of inputs) readers.set(value, (readers.get(value) ?? new Set()).add(name))
  const asked = new Set(network.outputs.map(({ value }) => value))

  /** A model of which `group` are the calls, with its call for each of them; null: it stays in line. */
  function nested(base: string, prefix: string, group: readonly ModelCall[], inner: readonly ModelCall[]) {
    const lists = group.map(({ calls }) => calls.flatMap((name) => callOf.get(name) ?? []))
    const readIn = (list: readonly Call[]) => {
      const made = new Set(list.flatMap(valuesOf))
      return new Set(list.flatMap(({ inputs }) => inputs).filter((value) => !made.has(value)))
    }
    // the call that computes the most, of the most values: another may be given one value twice, or not be asked for all outputs
    const sizes = lists.map((list) => list.length + readIn(list).size / (network.calls.length + 1))
    const first = sizes.indexOf(Math.max(...sizes))
    const listed = group[first].inputs
    const maps = lists.map((list, i) => {
      const map = valuesLike(lists[first], list)
      const theirs = group[i].inputs
      const isWhole = theirs.length === listed.length
      return (
        map &&
        new Map([...listed.map(({ value }, k) => [value, isWhole ? theirs[k].value : ''] as const), ...map])
      )
    })
    if (!maps.every((map) => map !== null)) return null
    const isUsed = (list: readonly Call[], value = '') =>
      asked.has(value) ||
      [...(readers.get(value) ?? [])].some((reader) => !list.some(({ name }) => name === reader))
    const place = (value: string) => listed.findIndex((one) => one.value === value)
    const inputs = [...readIn(lists[first])].sort((a, b) => place(a) - place(b))
    const outputs = lists[first]
      .flatMap(valuesOf)
      .filter((value) => maps.some((map, i) => isUsed(lists[i], map.get(value))))
    const order = (value: string) => group[first].outputs.indexOf(value) + 1 || Number.POSITIVE_INFINITY
    outputs.sort((a, b) => order(a) - order(b) || 0)
    // '': an output that nothing asks for
    const mapped = (i: number, values: readonly string[]) => values.map((value) => maps[i].get(value) || '')
    const given = maps.flatMap((_, i) => mapped(i, inputs))
    const passing = [...given, ...maps.flatMap((_, i) => mapped(i, outputs))]
    if (given.length * outputs.length === 0 || given.includes('') || !passing.every(mayPass)) return null
    const own = `${group[first].name}.`
    const within = inner.filter(({ name }) => name.startsWith(own))
    const shapes = new Map(listed.map(({ value, shape }) => [value, shape]))
    const plain = base.replaceAll(/#\d+/g, '') // as in the names of layers
    const unit: Scope = {
      ...scope(plain.slice(prefix.length), `${plain}.`, lists[first], within, inputs, outputs),
      shapes,
    }
    return group.map((_, i) => ({ unit, inputs: mapped(i, inputs), outputs: mapped(i, outputs) }))
  }

  function scope(
    name: string,
    prefix: string,
    calls: readonly Call[],
    models: readonly ModelCall[],
    inputs: readonly string[],
    outputs: readonly string[],
  ): Scope {
    const taken = new Map<string, ScopeCall | null>() // by the last call of a model's call; null: those before it
    const open = [...models]
    while (open.length > 0) {
      const base = open[0].name.replace(/#\d+$/, '')
      const group = open.filter(({ name }) => name.replace(/#\d+$/, '') === base)
      const isInner = ({ name }: ModelCall) => group.some((one) => name.startsWith(`${one.name}.`))
      const made = nested(base, prefix, group, open.filter(isInner))
      for (const one of group) open.splice(open.indexOf(one), 1)
      if (!made) continue
      for (const one of open.filter(isInner)) open.splice(open.indexOf(one), 1)
      group.forEach((one, i) => {
        for (const call of one.calls) taken.set(call, call === one.calls.at(-1) ? made[i] : null)
      })
    }
    const own = calls.flatMap((call): ScopeCall[] => {
      const within = taken.get(call.name)
      if (within === null) return []
      return [within ?? { unit: call.layer, inputs: call.inputs, outputs: valuesOf(call) }]
    })
    return { name, prefix, calls: own, inputs, outputs, shapes: new Map() }
  }

  return scope(
    network.name ?? 'model',
    '',
    network.calls,
    network.models,
    network.inputs.map(({ name }) => name),
    network.outputs.map(({ value }) => value),
  )
}
