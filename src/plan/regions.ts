// The arena with a plan in it, region by region.
import type { Plan } from './plan.ts'

/** A part of the arena, from its first address to the one behind its last. */
export interface Region {
  readonly name: string
  readonly start: number
  readonly end: number
}

/** By address. */
export function regionsOf(plan: Plan): Region[] {
  const { layout, dataStart, transientStart, peakBytes, programStart, words } = plan
  return [
    { name: 'header', start: layout.base, end: layout.trainable.start },
    { name: 'parameters', start: layout.trainable.start, end: layout.gradientsStart },
    { name: 'gradients', start: layout.gradientsStart, end: layout.slotsStart },
    { name: 'optimizer state', start: layout.slotsStart, end: layout.end },
    { name: 'constants', start: layout.end, end: dataStart },
    { name: 'inputs, targets, results', start: dataStart, end: transientStart },
    { name: 'transient', start: transientStart, end: transientStart + peakBytes },
    { name: 'program', start: programStart, end: programStart + words.byteLength },
  ]
}
