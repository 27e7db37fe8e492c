// Which module of PyTorch is which unit of a model. Enters: both, and what the caller knows of their names. Leaves: pairs, or one
// error that tells every module and every unit that has no partner. Nothing is guessed: units that shapes don't tell apart are
// matched by order only where the order is known.
import { fail, isRecord, show } from '../../numerics/errors.ts'
import { type Form, keyOf, type Splits, type Unit, unitNamed } from './forms.ts'
import { isInOrder, type TorchModule } from './modules.ts'

export interface Match {
  readonly module: TorchModule
  readonly unit: Unit
  readonly form: Form
}

/** Names in PyTorch with those in the model; null: left out. Or all names of the state_dict, in its order. */
export type StateDictNames = Readonly<Record<string, string | null>> | readonly string[]

const keyOfModule = ({ tensors }: TorchModule): string =>
  keyOf(new Map([...tensors].map(([role, { shape }]) => [role, shape])))

const fitting = (unit: Unit, key: string): Form | undefined =>
  unit.forms.find(({ roles }) => keyOf(roles) === key)

/** `a2` before `a10`. */
function byNumber(a: string, b: string): number {
  const [left, right] = [a, b].map((name) => name.split(/(\d+)/))
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] === right[i]) continue
    const difference = i % 2 === 1 ? Number(left[i]) - Number(right[i]) : 0
    return difference || (left[i] < right[i] ? -1 : 1)
  }
  return left.length - right.length
}

/** Whether names differ in their numbers alone: `layers.0.fc1`, `layers.1.fc1`. */
const isNumbered = (modules: readonly TorchModule[]): boolean =>
  new Set(modules.map(({ name }) => name.replace(/\d+/g, '#'))).size === 1

/** Whether all hold the same numbers, so that it doesn't matter which is which. */
const areEqual = ([first, ...rest]: readonly TorchModule[]): boolean =>
  rest.every(({ tensors }) =>
    [...tensors].every(([role, { data }]) => {
      const other = first.tensors.get(role)?.data
      return other !== undefined && data.every((value, i) => Object.is(value, other[i]))
    }),
  )

/** The units of a layer as this file has them: the first split of which it has all. */
function unitsIn(
  layers: readonly Splits[],
  modules: readonly TorchModule[],
  asked: ReadonlySet<string>,
): Unit[] {
  const keys = new Set(modules.map(keyOfModule))
  return layers.flatMap((splits) => {
    const named = splits.find((units) => units.some(({ name }) => asked.has(name)))
    const whole = splits.find((units) =>
      units.every(({ forms }) => forms.some(({ roles }) => keys.has(keyOf(roles)))),
    )
    return named ?? whole ?? splits[0] ?? []
  })
}

/** Modules in the order of a list of names, of tensors or of modules. */
function inListedOrder(modules: readonly TorchModule[], names: readonly string[]): TorchModule[] {
  const places = new Map(names.map((name, i) => [name, i]))
  const placeOf = ({ name, tensors }: TorchModule): number =>
    Math.min(
      ...[name, ...[...tensors.values()].map((tensor) => tensor.name)].map(
        (own) => places.get(own) ?? Infinity,
      ),
    )
  const lacking = modules.filter((module) => placeOf(module) === Infinity)
  if (lacking.length > 0)
    fail(
      `loadStateDict: names: the list lacks ${lacking.map(({ name }) => show(name)).join(', ')}, which the file holds`,
    )
  return [...modules].sort((a, b) => placeOf(a) - placeOf(b))
}

const textOf = (name: string, roles: ReadonlyMap<string, readonly number[]>): string =>
  `${name || '(the module itself)'} (${[...roles].map(([role, shape]) => `${role && `${role} `}[${shape.join(',')}]`).join(', ')})`

const textOfModule = ({ name, tensors }: TorchModule): string =>
  textOf(name, new Map([...tensors].map(([role, { shape }]) => [role, shape])))

const textOfUnit = ({ name, forms: [{ roles }] }: Unit): string => textOf(name, roles)

/** @throws LanegradError telling all modules and units without a partner */
export function matched(
  layers: readonly Splits[],
  given: readonly TorchModule[],
  names: StateDictNames,
): readonly Match[] {
  const record = isRecord(names) ? (names as Readonly<Record<string, string | null>>) : {}
  const isListed = Array.isArray(names) && names.length > 0
  const modules = isListed ? inListedOrder(given, names as readonly string[]) : given
  const isOrdered = isListed || isInOrder(modules)
  const byName = new Map(
    modules.flatMap((module) => [
      [module.name, module] as const,
      ...[...module.tensors.values()].map(({ name }) => [name, module] as const),
    ]),
  )

  const pairs: Match[] = []
  const taken = new Set<object>()
  const pair = (module: TorchModule, unit: Unit, form: Form) => {
    pairs.push({ module, unit, form })
    taken.add(module).add(unit)
  }
  for (const [key, target] of Object.entries(record)) {
    const what = `loadStateDict: names: ${show(key)}`
    const module =
      byName.get(key) ??
      fail(`${what} isn't a name of the file, which has ${[...byName.keys()].map(show).join(', ')}`)
    if (target === null) {
      taken.add(module)
      continue
    }
    const unit = typeof target === 'string' ? unitNamed(layers, target) : undefined
    if (!unit)
      fail(
        `${what}: ${show(target)} isn't a name of the model, which has ${[...new Set(layers.flat(2).map(({ name }) => show(name)))].join(', ')}`,
      )
    if (taken.has(unit) || taken.has(module)) {
      if (pairs.some((one) => one.module === module && one.unit === unit)) continue
      fail(`${what}: ${show(target)} is matched already`)
    }
    const form = fitting(unit, keyOfModule(module))
    if (!form) fail(`${what}: ${textOfModule(module)} doesn't fit ${textOfUnit(unit)}`)
    pair(module, unit, form)
  }
  const asked = new Set(pairs.map(({ unit }) => unit.name))
  const units = unitsIn(layers, modules, asked)
  for (const unit of units) {
    const module = byName.get(unit.name.replaceAll('/', '.'))
    const form = module && fitting(unit, keyOfModule(module))
    if (form && !taken.has(module) && !taken.has(unit)) pair(module, unit, form)
  }

  // what is left, by what it holds
  const unclear: string[] = []
  for (const key of new Set(modules.map(keyOfModule))) {
    const alike = modules.filter((module) => !taken.has(module) && keyOfModule(module) === key)
    const free = units.filter((unit) => !taken.has(unit) && fitting(unit, key))
    const needed = free.length === alike.length ? free : free.filter(({ isOptional }) => !isOptional)
    if (alike.length === 0 || alike.length !== needed.length) continue
    if (alike.length > 1 && !isOrdered && !isNumbered(alike) && !areEqual(alike)) {
      unclear.push(`${alike.map(textOfModule).join(', ')} for ${needed.map(({ name }) => name).join(', ')}`)
      for (const one of [...alike, ...needed]) taken.add(one)
      continue
    }
    const sorted = isOrdered ? alike : [...alike].sort((a, b) => byNumber(a.name, b.name))
    sorted.forEach((module, i) => {
      pair(module, needed[i], fitting(needed[i], key) as Form)
    })
  }
  const others = modules.filter((module) => !taken.has(module)).map(textOfModule)
  const lacking = units.filter((unit) => !taken.has(unit) && !unit.isOptional).map(textOfUnit)
  const lines = [
    ...(others.length > 0 ? [`  only in the file: ${others.join(', ')}`] : []),
    ...(lacking.length > 0 ? [`  only in the model, in PyTorch's shapes: ${lacking.join(', ')}`] : []),
    ...unclear.map((text) => `  alike, in an order that the file doesn't tell: ${text}`),
  ]
  if (lines.length > 0)
    fail(
      `loadStateDict: the file and the model don't match\n${lines.join('\n')}\n  ` +
        "give names: { 'name in PyTorch': 'name in the model' or null }, or the list of the state_dict's keys in their order",
    )
  return pairs
}
