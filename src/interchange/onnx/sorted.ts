// The order of operators. ONNX asks that each comes after those whose results it reads; converters to float16 put theirs at the end,
// and onnxruntime sorts them. Enters: operators as the file has them. Leaves: the same, each after what it reads, otherwise in the
// file's order. Where they go in a circle one comes too early, whose reader then finds nothing.
import type { Operator } from './read.ts'

export function sorted(operators: readonly Operator[]): readonly Operator[] {
  const makers = new Map(operators.flatMap((node) => node.outputs.map((name) => [name, node] as const)))
  makers.delete('') // results that are left out
  const order = new Set<Operator>()
  const opened = new Set<Operator>()
  for (const first of operators) {
    const open = [first]
    for (let node = open.at(-1); node; node = open.at(-1)) {
      const before = node.inputs.map((name) => makers.get(name))
      const next = opened.has(node) ? undefined : before.filter((maker) => maker && !opened.has(maker))
      opened.add(node)
      if (next && next.length > 0) {
        open.push(...(next.reverse() as Operator[]))
        continue
      }
      open.pop()
      order.add(node)
    }
  }
  return [...order]
}
