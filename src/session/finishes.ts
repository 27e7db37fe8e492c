// From means to what is logged, for sessions that may log any of it.
import { exp } from '../numerics/exact.ts'
import type { Finishes } from './program.ts'

export const finishes: Finishes = {
  sqrt: Math.sqrt,
  exp,
  complement: (distance) => 1 - distance,
}
