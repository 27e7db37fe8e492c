// Gradients of several steps for one update. Enters: a session that was fed, or that has accumulated. Leaves: sums in the arena,
// each group's with its weight, or an update by them. Only what names `accumulateGradients`, or opens a file that has it, carries
// this.
import type { Session, Sums } from './session.ts'
import { explain } from './warnings.ts'

/** The update by what has accumulated since the last one, if anything has. */
function update(session: Session): void {
  const { engine, updating, accumulated, microWeights } = session
  if (!updating || !accumulated || session.microCount === 0) return
  const { sums, phaseEnds } = accumulated.code
  engine.load(accumulated.code)
  microWeights.forEach((weight, i) => {
    engine.factor = weight || 1
    if (sums.length > 0) engine.run(...sums[microWeights.length + i])
  })
  session.setRate(updating)
  engine.stepCount++
  engine.run(sums.at(-1)?.[1] ?? phaseEnds.update, phaseEnds.update)
  session.microCount = 0
  session.microWeights = microWeights.map(() => 0)
}

export const sums: Sums = {
  step(session, prepared) {
    const { engine, updating } = session
    const { code, groups, request } = prepared
    const { programStart, sums, phaseEnds } = code
    engine.run(programStart, sums[0]?.[0] ?? phaseEnds.update)
    explain(session, prepared, `in step ${engine.stepCount + 1}`)
    session.microWeights = groups.map((counter, i) => {
      const weight = counter === null ? 1 : counter ? engine.scalar(counter + 4) : request.rows
      engine.factor = weight
      if (sums.length > 0) engine.run(...sums[i])
      return counter === null ? 1 : session.microWeights[i] + weight
    })
    session.accumulated = prepared
    session.microCount++
    if (session.microCount >= (updating?.steps ?? 1)) update(session)
  },
  keep(session, prepared, weight) {
    const { engine, updating } = session
    const { sums } = prepared.code
    const isSum = prepared.groups[0] === null
    engine.factor = isSum ? 1 : weight
    if (sums.length > 0) engine.run(...sums[0]) // all of them to the first group of losses
    session.microWeights = session.microWeights.map((sum, i) => (i > 0 ? sum : isSum ? 1 : sum + weight))
    session.accumulated = prepared
    session.microCount++
    if (session.microCount >= (updating?.steps ?? 1)) update(session)
  },
  update,
}
