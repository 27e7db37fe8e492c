// What makes a network a policy: the loss of REINFORCE (Williams 1992), and what each push of some episodes is worth.

import { customLoss } from 'lanegrad'

/** Numbers in a row of the truth: 1 for the push that was made and 0 for the other one, then the advantage. */
export const TRUTH_SIZE = 3

// keeps the logarithm of what is never drawn finite
const LEAST = 1e-8

/** Mean over all pushes of -advantage log p(push): its gradient makes pushes likelier that turned out better than most. */
export const policyGradient = customLoss(
  'policyGradient',
  (g, truth, probabilities) => {
    const made = g.slice(truth, 1, 0, 2)
    const advantage = g.slice(truth, 1, 2, 1)
    const logs = g.unary('log', g.plus(probabilities, LEAST))
    return g.scale(g.times(advantage, g.times(made, logs)), -2) // half of the elements are 0
  },
  { truthShape: [TRUTH_SIZE] },
)

/**
 * The advantage of every push of some episodes: the rewards from then on, each step later counting `discount` times as much,
 * less their mean, in units of their standard deviation.
 */
export function advantages(lengths: readonly number[], discount: number): Float64Array {
  const values = Float64Array.from(
    lengths.flatMap((length) => {
      let sum = 0
      return Array.from({ length }, () => (sum = 1 + discount * sum)).reverse()
    }),
  )
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const square = values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / values.length
  const deviation = Math.sqrt(square)
  return values.map((value) => (deviation > 0 ? (value - mean) / deviation : 0))
}
