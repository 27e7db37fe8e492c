// An update by gradients that come from elsewhere, or these kept for a later one. Enters: a program that trains, of which the update
// alone runs, and checked gradients of every weight that trains.
import type { Prepared } from './prepared.ts'
import type { Session } from './session.ts'

/** `weight`: what the gradients count for where they are accumulated. */
export function apply(
  session: Session,
  prepared: Prepared,
  gradients: readonly (readonly [name: string, numbers: Float32Array])[],
  weight: number,
): void {
  const { engine, updating, layout } = session
  if (!updating) return
  const { phaseEnds } = prepared.code
  engine.load(prepared.code)
  for (const [name, numbers] of gradients) engine.write(layout.gradients.get(name) ?? 0, numbers)
  if (updating.sums) {
    updating.sums.keep(session, prepared, weight)
    return
  }
  session.setRate(updating)
  engine.stepCount++
  engine.run(phaseEnds.backward, phaseEnds.update)
}
