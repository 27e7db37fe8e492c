// The order in which Keras 3 lists the layers of a model: the paths of weights in its files count the layers of a class in that order.
// As map_graph of keras/src/ops/function.py: by the longest way to an output, then as a walk from the outputs meets them.
import { type Call, type Network, type NetworkLayer, outputName, outputsIn } from '../../network/network.ts'

/** The layers of a network in Keras's order. */
export function layersByDepth({ calls, outputs }: Network): NetworkLayer[] {
  const makers = new Map<string, Call>()
  for (const call of calls)
    for (let output = 0; output < outputsIn(call); output++) makers.set(outputName(call.name, output), call)
  const sourcesOf = ({ inputs }: Call) => inputs.flatMap((value) => makers.get(value) ?? [])

  const met = new Map<NetworkLayer, number>()
  const entered = new Set<Call>()
  const finished: Call[] = [] // each behind what it reads
  for (const { value } of outputs) {
    const stack: { readonly call: Call; readonly left: Call[] }[] = []
    const enter = (call: Call | undefined): void => {
      if (!call || entered.has(call)) return
      entered.add(call)
      if (!met.has(call.layer)) met.set(call.layer, met.size)
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
  const depths = new Map<Call, number>()
  const layerDepths = new Map<NetworkLayer, number>()
  for (const call of finished.reverse()) {
    const depth = Math.max(depths.get(call) ?? 0, layerDepths.get(call.layer) ?? 0)
    layerDepths.set(call.layer, depth)
    for (const source of sourcesOf(call)) depths.set(source, Math.max(depth + 1, depths.get(source) ?? 0))
  }
  const place = (of: ReadonlyMap<NetworkLayer, number>, layer: NetworkLayer) => of.get(layer) ?? 0
  return [...met.keys()].sort(
    (a, b) => place(layerDepths, b) - place(layerDepths, a) || place(met, a) - place(met, b),
  )
}
