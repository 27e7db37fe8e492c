// Warnings of what can't be intended, once of each kind since `compile`.
import type { Prepared } from './prepared.ts'
import type { Session } from './session.ts'

/** Shows a text, on the console unless the session has another place. */
export function tell(session: Session, text: string): void {
  if (session.tell) session.tell(text)
  else console.warn(`lanegrad: ${text}`)
}

/** Unless that is not wanted. */
export function warn(session: Session, kind: string, text: string): void {
  const { isQuiet, warned } = session
  if (isQuiet || warned.has(kind)) return
  warned.add(kind)
  tell(session, text)
}

/** Warns where the run just made, which has updated nothing, gave a loss that isn't finite. `when`: 'in step 12'. */
export function explain(session: Session, prepared: Prepared, when: string): void {
  const { engine, isQuiet, warned, watcher } = session
  if (isQuiet || warned.has('loss')) return
  const loss = engine.scalar(prepared.readings.loss)
  if (Number.isFinite(loss)) return
  warn(session, 'loss', watcher?.whyNotFinite(prepared, when) ?? `the loss is ${loss} ${when}`)
}
