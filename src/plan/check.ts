// The proof the kernels rely on: every operand of an operation lies between the header and the program, is aligned, and no
// two buffers that live at the same time overlap. Throws an Error (a fault of the planner, never of the user).
import { ALIGNMENT } from '../../assembly/abi.ts'
import type { Graph } from '../graph/graph.ts'
import { eachOutput, nameOf } from '../graph/kernel.ts'
import type { Value } from '../graph/value.ts'
import type { Layout } from './layout.ts'
import { type Buffer, bufferName, type PlannedBuffer } from './storage.ts'

function broken(what: string): void {
  throw new Error(`lanegrad: planner fault: ${what}`)
}

/** What of a plan is checked. */
interface Checked {
  readonly graph: Graph
  readonly layout: Layout
  /** By address. */
  readonly transient: readonly PlannedBuffer[]
  readonly programStart: number
}

export function checkPlan(plan: Checked, bufferOf: ReadonlyMap<Value, Buffer>): void {
  plan.graph.ops.forEach((op) => {
    const check = (value: Value) => {
      const { address, bytes } = bufferOf.get(value) ?? { address: null, bytes: 0 }
      if (address === null) return broken(`%${value.id} of ${nameOf(op)} has no address`)
      if (address % ALIGNMENT !== 0) broken(`%${value.id} is not aligned`)
      if (address < plan.layout.trainable.start || address + bytes > plan.programStart)
        broken(`%${value.id} lies outside`)
    }
    op.inputs.forEach(check)
    eachOutput(op, check)
  })
  const { transient } = plan // sorted by address
  for (let i = 0; i < transient.length; i++) {
    const a = transient[i]
    for (let j = i + 1; j < transient.length && transient[j].address < a.address + a.bytes; j++) {
      const b = transient[j]
      if (a.first <= b.last && b.first <= a.last)
        broken(`${bufferName(a, plan.graph)} and ${bufferName(b, plan.graph)} overlap`)
    }
  }
}
