// One-shot recognition: a picture gets the class of the nearest of a few examples, one of each class.
//
// In:  samples as rows of numbers (pixels, or places that a network gives), their labels, and rounds of examples and questions.
// Out: the share of questions that are answered rightly.

import { type Random, shuffled } from '../shared/random.ts'

/** The samples of each class. */
export function byClass(labels: Int32Array, classCount: number): number[][] {
  const lists: number[][] = Array.from({ length: classCount }, () => [])
  labels.forEach((label, i) => {
    lists[label].push(i)
  })
  return lists
}

/** An example of each class, and other samples to recognize. */
export interface Round {
  readonly examples: readonly number[]
  readonly questions: readonly number[]
}

/** Rounds drawn from `lists`, one list of samples for each class; no question is an example of its round. */
export function drawRounds(
  lists: readonly (readonly number[])[],
  count: number,
  questionsPerClass: number,
  random: Random,
): Round[] {
  return Array.from({ length: count }, () => {
    const drawn = lists.map((list) => shuffled(list, random).slice(0, 1 + questionsPerClass))
    return { examples: drawn.map(([first]) => first), questions: drawn.flatMap(([, ...rest]) => rest) }
  })
}

/** The share of questions whose nearest example, by Euclid, has their label; `rows`: [n, size]. */
export function shareRight(
  rows: Float32Array,
  size: number,
  labels: Int32Array,
  rounds: readonly Round[],
): number {
  const squareDistance = (a: number, b: number) => {
    let sum = 0
    for (let i = 0; i < size; i++) {
      const difference = rows[a * size + i] - rows[b * size + i]
      sum += difference * difference
    }
    return sum
  }
  let right = 0
  for (const { examples, questions } of rounds) {
    for (const question of questions) {
      const distances = examples.map((example) => squareDistance(question, example))
      const nearest = examples[distances.indexOf(Math.min(...distances))]
      if (labels[nearest] === labels[question]) right++
    }
  }
  return right / rounds.reduce((sum, { questions }) => sum + questions.length, 0)
}
