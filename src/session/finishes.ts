// From means to what is logged.
import { exp } from '../numerics/exact.ts'
import type { Finish, Finishes } from './program.ts'

/** A finish that a metric brings along. */
export interface Finishing {
  readonly name: Finish
  of(mean: number): number
}

export const SQRT: Finishing = { name: 'sqrt', of: Math.sqrt }
export const EXP: Finishing = { name: 'exp', of: exp }
export const COMPLEMENT: Finishing = { name: 'complement', of: (distance) => 1 - distance }

/** All of them, for sessions that may log any. */
export const finishes: Finishes = { sqrt: SQRT.of, exp: EXP.of, complement: COMPLEMENT.of }
