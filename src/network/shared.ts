// One arena under several networks: the model that made it, whose parameters all have in common, and its parts. Each has a header,
// gradients and optimizer slots of its own, one block behind the other; programs of all lie behind the last block, one at a time.
import { HEADER_BYTES } from '../../assembly/abi.ts'
import { fail } from '../numerics/errors.ts'
import { Engine } from '../runtime/engine.ts'
import { bufferBytes, type Layout, type ParameterSpec } from '../session/layout.ts'
import type { PlannedSession, Shared } from './planned.ts'

export class SharedArena implements Shared<PlannedSession> {
  readonly members: PlannedSession[]

  constructor(owner: PlannedSession) {
    this.members = [owner]
  }

  /** The first address behind the blocks of all but `member`. */
  private endBeside(member: PlannedSession | null): number {
    return Math.max(
      this.members[0].layout.parametersEnd,
      ...this.members
        .filter((other) => other !== member)
        .map(({ layout }) => Math.max(layout.base + HEADER_BYTES, layout.stateEnd)),
    )
  }

  place(weights: readonly ParameterSpec[]): [Engine, Layout] {
    const [{ engine, runtime }] = this.members
    const base = this.endBeside(null)
    return [new Engine(runtime, engine, base), this.laidOut(null, base, weights, null)]
  }

  layoutFor(member: PlannedSession, weights: readonly ParameterSpec[], slotCount: number | null): Layout {
    return this.laidOut(member, member.layout.base, weights, slotCount)
  }

  leave(member: PlannedSession): void {
    const index = this.members.indexOf(member)
    if (index < 0) return
    for (const ended of this.members.splice(index, index === 0 ? this.members.length : 1)) ended.dispose()
  }

  private laidOut(
    member: PlannedSession | null,
    base: number,
    specs: readonly ParameterSpec[],
    slotCount: number | null,
  ): Layout {
    const { parameters, parametersEnd, trainable } = this.members[0].layout
    const addressOf = (name: string) => parameters.get(name) ?? fail(`no weight ${name}`)
    const trained = specs
      .filter((spec) => spec.trainable)
      .map(({ name, shape }) => ({ name, start: addressOf(name), bytes: bufferBytes(shape) }))
      .sort((a, b) => a.start - b.start)
    const runs: { start: number; bytes: number; offset: number }[] = []
    const offsets = new Map<string, number>()
    let bytes = 0
    for (const weight of trained) {
      const last = runs.at(-1)
      if (last && last.start + last.bytes === weight.start) last.bytes += weight.bytes
      else runs.push({ start: weight.start, bytes: weight.bytes, offset: bytes })
      offsets.set(weight.name, bytes)
      bytes += weight.bytes
    }
    const needed = slotCount === null ? 0 : (1 + slotCount) * bytes
    const others = Math.max(this.endBeside(member), base + HEADER_BYTES)
    const known = member?.layout
    const stays = known && (known.gradientsStart >= others || needed <= known.stateEnd - known.gradientsStart)
    const gradientsStart = stays ? known.gradientsStart : others
    const stateEnd = gradientsStart + needed
    const end = Math.max(others, stateEnd)
    for (const other of this.members) {
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
      runs,
      gradientsStart,
      slotsStart: slotCount === null ? gradientsStart : gradientsStart + bytes,
      stateEnd,
      end,
    }
  }
}
