// New names, drawn character by character from what a network expects next.
//
// In:  a model from ids [names, steps] to logits [names, steps, characters]. Out: names.
// The same random numbers give the same names.

import type { Model, Symbolic } from 'lanegrad'
import type { Random } from '../shared/random.ts'

export interface InventOptions {
  count: number
  /** the longest row the model reads */
  steps: number
  alphabet: readonly string[]
  /** below 1 the likely gets likelier, above 1 the unlikely */
  temperature: number
  random: Random
}

/** All names grow together, a character at a step; id 0 ends a name. */
export function inventNames(
  model: Model<Symbolic>,
  { count, steps, alphabet, temperature, random }: InventOptions,
): string[] {
  const ids = new Int32Array(count * steps)
  const names = new Array<string>(count).fill('')
  const growing = new Set(names.keys())
  for (let step = 0; step < steps && growing.size > 0; step++) {
    const { data: logits } = model.predict({ shape: [count, steps], data: ids })
    for (const row of growing) {
      const start = (row * steps + step) * alphabet.length
      const id = draw(logits.subarray(start, start + alphabet.length), temperature, random)
      names[row] += alphabet[id]
      if (id === 0) growing.delete(row)
      else if (step + 1 < steps) ids[row * steps + step + 1] = id
    }
  }
  return names
}

/** An index, with the probabilities softmax(logits / temperature). */
function draw(logits: Float32Array, temperature: number, random: Random): number {
  const largest = Math.max(...logits)
  const weights = Array.from(logits, (logit) => Math.exp((logit - largest) / temperature))
  let left = random() * weights.reduce((sum, weight) => sum + weight, 0)
  const id = weights.findIndex((weight) => {
    left -= weight
    return left < 0
  })
  return id < 0 ? weights.length - 1 : id
}
