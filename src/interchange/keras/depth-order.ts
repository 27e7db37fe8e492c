// The order in which Keras 3 lists the layers of a model: the paths of weights in its files count the layers of a class in that order.
// As map_graph of keras/src/ops/function.py: by the longest way to an output, then as a walk from the outputs meets them.
import type { Scope, ScopeCall } from './scopes.ts'

type Unit = ScopeCall['unit']

/** The layers and models of a scope in Keras's order. */
export function unitsByDepth({ calls, outputs }: Scope): Unit[] {
  const makers = new Map(calls.flatMap((call) => call.outputs.map((value) => [value, call] as const)))
  const sourcesOf = ({ inputs }: ScopeCall) => inputs.flatMap((value) => makers.get(value) ?? [])

  const met = new Map<Unit, number>()
  const entered = new Set<ScopeCall>()
  const finished: ScopeCall[] = [] // each behind what it reads
  for (const value of outputs) {
    const stack: { readonly call: ScopeCall; readonly left: ScopeCall[] }[] = []
    const enter = (call: ScopeCall | undefined): void => {
      if (!call || entered.has(call)) return
      entered.add(call)
      if (!met.has(call.unit)) met.set(call.unit, met.size)
      stack.push({ call, left: sourcesOf(call).reverse() })
    }
    enter(makers.get(value))
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      if (top.left.length > 0) enter(top.left.pop())
      else {
        finished.push(top.call)
        stack.pop()
      }
    }
  }
  const depths = new Map<ScopeCall, number>()
  const unitDepths = new Map<Unit, number>()
  for (const call of finished.reverse()) {
    const depth = Math.max(depths.get(call) ?? 0, unitDepths.get(call.unit) ?? 0)
    unitDepths.set(call.unit, depth)
    for (const source of sourcesOf(call)) depths.set(source, Math.max(depth + 1, depths.get(source) ?? 0))
  }
  const place = (of: ReadonlyMap<Unit, number>, unit: Unit) => of.get(unit) ?? 0
  return [...met.keys()].sort(
    (a, b) => place(unitDepths, b) - place(unitDepths, a) || place(met, a) - place(met, b),
  )
}
