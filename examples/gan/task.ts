// What a generative adversarial net can learn to draw: the networks, the real samples, and how the drawn ones are judged.
import type { Model, Symbolic } from 'lanegrad'
import type { Random } from '../shared/random.ts'

export interface Drawings {
  random: Random
  /** samples of the trained generator */
  make(count: number): Float32Array
  /** 1,000 samples of the generator before training */
  untrained: Float32Array
}

export interface Task {
  title: string
  /** numbers that a sample is drawn from */
  noiseSize: number
  /** noise to a sample */
  generator: Model<Symbolic>
  /** a sample to the logit of its being real */
  critic: Model<Symbolic>
  learningRate: number
  batchSize: number
  epochs: number
  /** steps of an epoch */
  steps: number
  /** Draws real samples into `rows`. */
  fill(rows: Float32Array, random: Random): void
  /** Prints what the generator draws, and the figures. */
  report(drawings: Drawings): Promise<void>
}
