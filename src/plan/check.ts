// The proof the kernels rely on: every operand of an operation lies between the header and the program, is aligned, and no
// two buffers that live at the same time overlap. Throws an Error (a fault of the planner, never of the user).
import { ALIGNMENT } from '../../assembly/abi.ts'
import type { Graph } from '../graph/graph.ts'
import { eachOutput } from '../graph/kernel.ts'
import type { Value } from '../graph/value.ts'
import type { Layout } from '../session/layout.ts'
import { type Buffer, bufferName, type PlannedBuffer } from './storage.ts'

function broken(what: string): void {
  throw new Error(`lanegrad: planner fault: ${what}`)
}

/** The parts of a plan that are checked. */
interface Checked {
  readonly graph: Graph
  readonly layout: Layout
  readonly bufferOf: ReadonlyMap<Value, Buffer>
  readonly transient: readonly PlannedBuffer[]
  readonly programStart: number
}

export function checkPlan(plan: Checked): void {
  plan.graph.ops.forEach((op) => {
    const check = (value: Value) => {
      const { address, bytes } = plan.bufferOf.get(value) ?? { address: null, bytes: 0 }
      if (address === null) return broken(`%${value.id} of ${op.kernel.name} has no address`)
      if (address % ALIGNMENT !== 0) broken(`%${value.id} is not aligned`)
      if (address < plan.layout.trainable.start || address + bytes > plan.programStart)
        broken(`%${value.id} lies outside`)
    }
    op.inputs.forEach(check)
    eachOutput(op, check)
  })
  // in the order of time: those alive, by address, so that only neighbours can overlap
  const births = [...plan.transient].sort((a, b) => a.first - b.first)
  const deaths = [...plan.transient].sort((a, b) => a.last - b.last)
  const alive: PlannedBuffer[] = []
  const placeOf = ({ address }: PlannedBuffer): number => {
    let low = 0
    for (let high = alive.length; low < high; ) {
      const middle = (low + high) >> 1
      if (alive[middle].address <= address) low = middle + 1
      else high = middle
    }
    return low
  }
  const keepApart = (a: PlannedBuffer | undefined, b: PlannedBuffer | undefined) => {
    if (a && b && a.address + a.bytes > b.address)
      broken(`${bufferName(a, plan.graph)} and ${bufferName(b, plan.graph)} overlap`)
  }
  let dead = 0
  for (const born of births) {
    for (; deaths[dead].last < born.first; dead++)
      alive.splice(alive.lastIndexOf(deaths[dead], placeOf(deaths[dead])), 1)
    const at = placeOf(born)
    keepApart(alive[at - 1], born)
    keepApart(born, alive[at])
    alive.splice(at, 0, born)
  }
}
