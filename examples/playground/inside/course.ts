// The steps of the training so far: the weights before each, so that the visitor can go back and forth, and the loss of
// each. One row of the data is a step; four are an epoch.
import type { InsideNetwork } from './network.ts'
import type { Row, Weights } from './shape.ts'

export const MOST_STEPS = 8000
export const ROWS = 4

/** False is -1, true is 1: with 0 for false, half of the gradients would be 0 and nothing to see. */
const corners = [
  [-1, 1],
  [1, 1],
  [1, -1],
  [-1, -1],
] as const

type Answers = readonly (readonly [number, number])[]
/** What the two outputs are to learn, for the four corners. */
const answers: Readonly<Record<string, Answers>> = {
  'xor-and': [
    [1, 0],
    [0, 1],
    [1, 0],
    [0, 0],
  ],
  'or-and': [
    [1, 0],
    [1, 1],
    [1, 0],
    [0, 0],
  ],
  'xor-or': [
    [1, 1],
    [0, 1],
    [1, 1],
    [0, 0],
  ],
}
export const dataNames: Readonly<Record<string, string>> = {
  'xor-and': 'xor, and (a half adder)',
  'or-and': 'or, and',
  'xor-or': 'xor, or',
}

export const rowOf = (data: string, step: number): Row => ({
  x: corners[step % ROWS],
  y: answers[data][step % ROWS],
})

export class Course {
  private readonly network: InsideNetwork
  private readonly data: string
  private readonly onEpoch: (epoch: number, loss: number) => void
  private readonly history: Weights[]
  private readonly losses: number[] = []

  /** `onEpoch` hears of each epoch once, when it has been trained. */
  constructor(network: InsideNetwork, data: string, onEpoch: (epoch: number, loss: number) => void) {
    this.network = network
    this.data = data
    this.onEpoch = onEpoch
    this.history = [network.first]
  }

  /** The weights before a step; trains on to one that hasn't been reached yet. */
  weights(step: number): Weights {
    const { history, losses } = this
    while (history.length <= step) {
      const at = history.length - 1
      const { next, loss } = this.network.step(history[at], rowOf(this.data, at))
      history.push(next)
      losses.push(loss)
      if (losses.length % ROWS === 0) this.onEpoch(losses.length / ROWS, this.meanLoss(losses.length / ROWS))
    }
    return history[step]
  }

  /** Mean loss of the rows of an epoch, the first being 1; no number for one that isn't over. */
  meanLoss(epoch: number): number {
    const part = this.losses.slice((epoch - 1) * ROWS, epoch * ROWS)
    return epoch > 0 && part.length === ROWS ? part.reduce((sum, loss) => sum + loss, 0) / ROWS : Number.NaN
  }
}
