// What is asked of a whole plan before anything is made of it: whether we have its classes, and which of its inputs are ids.
import { fail, isRecord } from '../../numerics/errors.ts'
import { rowOfClass } from './classes.ts'
import { listText } from './names.ts'
import { operatorOf } from './operators.ts'
import { type Config, own } from './row.ts'
import type { Plan } from './topology.ts'

/** The layers within a layer, as entries { class_name, config }. */
const within = (config: Config): Config[] =>
  ['layer', 'backward_layer'].map((key) => own(config, key)).filter(isRecord)

/** Names the classes that we don't have, each with its layers. @throws LanegradError if there are any */
export function checkClasses(plan: Plan, what: string): void {
  const unknown = new Map<string, string[]>()
  const look = (className: string, name: string, config: Config): void => {
    if (!rowOfClass(className) && !operatorOf(className))
      unknown.set(className, [...(unknown.get(className) ?? []), name])
    else if ('layer' in config)
      for (const inner of within(config)) {
        const innerConfig = own(inner, 'config')
        look(String(own(inner, 'class_name')), name, isRecord(innerConfig) ? innerConfig : {})
      }
  }
  const walk = ({ entries }: Plan): void => {
    for (const { className, name, config, model } of entries.values()) {
      if (model) walk(model)
      else if (className !== 'InputLayer') look(className, name, config)
    }
  }
  walk(plan)
  if (unknown.size === 0) return
  const classes = [...unknown].map(([className, names]) => `${className} (${listText(names)})`)
  fail(
    `${what}: lanegrad has no layers of these classes: ${classes.join('; ')}. Cut the model before them and do their part ` +
      'in your own code, or build the model with customLayer in their place and give it the weights with setWeights',
  )
}

/** Classes that take ids. */
const TAKES_IDS = ['Embedding', 'CategoryEncoding']

/** The inputs of a model that layers read as ids. */
export function idInputs(plan: Plan, known: Map<Plan, ReadonlySet<string>>): ReadonlySet<string> {
  const found = known.get(plan) ?? new Set<string>()
  if (known.has(plan)) return found
  known.set(plan, found)
  for (const { className, config, calls, model } of plan.entries.values()) {
    const inner = model && idInputs(model, known)
    const isTaker = [className, ...within(config).map((one) => own(one, 'class_name'))].some((name) =>
      TAKES_IDS.includes(String(name)),
    )
    for (const { inputs } of calls)
      inputs.forEach(({ layer }, i) => {
        const isInner = inner?.has(model?.inputs.list[i]?.[1].layer ?? '')
        if (isTaker || isInner) (found as Set<string>).add(layer)
      })
  }
  return found
}
