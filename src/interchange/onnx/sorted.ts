// The order of operators. ONNX asks that each comes after those whose results it reads; converters to float16 put theirs at the end,
// and onnxruntime sorts them. Enters: operators as the file has them. Leaves: the same, each after what it reads, otherwise in the
// file's order. Where they go in a circle one comes too early, whose reader then finds nothing.

/** What an operator reads and makes, by names. */
interface Step {
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
}

export function sorted<T extends Step>(operators: readonly T[]): readonly T[] {
  const makers = new Map(operators.flatMap((node) => node.outputs.map((name) => [name, node] as const)))
  makers.delete('') // results that are left out
  const order = new Set<T>()
  const opened = new Set<T>()
  for (const first of operators) {
    const open = [first]
    for (let node = open.at(-1); node; node = open.at(-1)) {
      const before = node.inputs.map((name) => makers.get(name))
      const next = opened.has(node) ? undefined : before.filter((maker) => maker && !opened.has(maker))
      opened.add(node)
      if (next && next.length > 0) {
        open.push(...(next.reverse() as T[]))
        continue
      }
      open.pop()
      order.add(node)
    }
  }
  return [...order]
}
