// The arena with a plan in it, region by region.
import { HEADER_BYTES } from '../../assembly/abi.ts'
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
  const own = [
    { name: 'header', start: layout.base, end: layout.base + HEADER_BYTES },
    { name: 'parameters', start: layout.trainable.start, end: layout.parametersEnd },
    { name: 'gradients', start: layout.gradientsStart, end: layout.slotsStart },
    { name: 'optimizer state', start: layout.slotsStart, end: layout.stateEnd },
  ]
  return [
    ...own.sort((a, b) => a.start - b.start || a.end - b.end), // a part's header lies behind the parameters
    { name: 'constants', start: layout.end, end: dataStart },
    { name: 'inputs, targets, results', start: dataStart, end: transientStart },
    { name: 'transient', start: transientStart, end: transientStart + peakBytes },
    { name: 'program', start: programStart, end: programStart + words.byteLength },
  ]
}
