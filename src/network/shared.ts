// One arena under several networks: the model that made it, whose parameters all have in common, and its parts. Each has a header,
// gradients and optimizer slots of its own, one block behind the other; programs of all lie behind the last block, one at a time.
import { HEADER_BYTES } from '../../assembly/abi.ts'
import { fail } from '../numerics/errors.ts'
import { Engine } from '../runtime/engine.ts'
import { bufferBytes, type Layout, type ParameterSpec } from '../session/layout.ts'
import type { PlannedSession } from './planned.ts'

/** The first address behind the blocks of all but `member`. */
const endBeside = (members: readonly PlannedSession[], member: PlannedSession | null): number =>
  Math.max(
    members[0].layout.parametersEnd,
    ...members
      .filter((other) => other !== member)
      .map(({ layout }) => Math.max(layout.base + HEADER_BYTES, layout.stateEnd)),
  )

/** The engine and the layout of another member with these weights. */
export function placeIn(
  members: readonly PlannedSession[],
  weights: readonly ParameterSpec[],
): [engine: Engine, layout: Layout] {
  const [{ engine, runtime }] = members
  const base = endBeside(members, null)
  return [new Engine(runtime, engine, base), laidOut(members, null, base, weights, null)]
}

/** Takes another member in, over the arena of `owner`. */
export function join({ members }: PlannedSession, added: PlannedSession): void {
  members.push(added)
  for (const member of members.length === 2 ? members : [added]) {
    member.members = members
    member.layoutFor = (weights, slotCount) =>
      laidOut(members, member, member.layout.base, weights, slotCount)
    member.disposing.addEventListener('abort', () => {
      const index = members.indexOf(member) // with the first one all are disposed
      if (index < 0) return
      for (const ended of members.splice(index, index === 0 ? members.length : 1)) ended.dispose()
    })
  }
}

/** The layout of a member by itself; the others get to know where the blocks of all end. */
function laidOut(
  members: readonly PlannedSession[],
  member: PlannedSession | null,
  base: number,
  specs: readonly ParameterSpec[],
  slotCount: number | null,
): Layout {
  const { parameters, parametersEnd, trainable } = members[0].layout
  const addressOf = (name: string) => parameters.get(name) ?? fail(`no weight ${name}`)
  const trained = specs
    .filter((spec) => spec.trainable)
    .map(({ name, shape }) => ({ name, start: addressOf(name), bytes: bufferBytes(shape) }))
    .sort((a, b) => a.start - b.start)
  const offsets = new Map<string, number>()
  let bytes = 0
  for (const weight of trained) {
    offsets.set(weight.name, bytes)
    bytes += weight.bytes
  }
  const needed = slotCount === null ? 0 : (1 + slotCount) * bytes
  const others = Math.max(endBeside(members, member), base + HEADER_BYTES)
  const known = member?.layout
  const stays = known && (known.gradientsStart >= others || needed <= known.stateEnd - known.gradientsStart)
  const gradientsStart = stays ? known.gradientsStart : others
  const stateEnd = gradientsStart + needed
  const end = Math.max(others, stateEnd)
  for (const other of members) {
    if (other === member || other.layout.end === end) continue
    other.layout = { ...other.layout, end }
    other.forgetPrograms()
  }
  return {
    base,
    parameters,
    parametersEnd,
    gradients:
      slotCount === null
        ? new Map()
        : new Map([...offsets].map(([name, offset]) => [name, gradientsStart + offset])),
    trainable: { start: trainable.start, bytes },
    gradientsStart,
    slotsStart: slotCount === null ? gradientsStart : gradientsStart + bytes,
    stateEnd,
    end,
  }
}
