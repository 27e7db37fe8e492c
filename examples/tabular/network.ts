// The network for a table: what it is made of, how it is trained and asked.
//
// In:  a table, numbers of the rows to learn from, a seed. Out: a compiled model, and rows in the form it takes.

import {
  adam,
  adaptNormalization,
  binaryCrossentropy,
  categoryEncoding,
  concatenate,
  dense,
  huber,
  input,
  type Model,
  model,
  rescaling,
  type Symbolic,
} from 'lanegrad'
import { meanOf } from './linear.ts'
import type { Question, Table } from './tables.ts'

/** Rows as the model takes them: an array for each of its inputs, and the targets. */
export function gather({ numbers, categories, targets }: Table, rows: readonly number[]) {
  const x: Record<string, number[] | number[][]> = { numbers: rows.map((row) => numbers[row]) }
  for (const { name, ids } of categories) x[name] = rows.map((row) => ids[row])
  return { x, y: rows.map((row) => targets[row]) }
}

/**
 * Normalized numbers and one-hot categories, side by side, through hidden layers of `units`, to one number or one
 * logit. All preprocessing is part of the model, and of what `model.save()` gives.
 */
export function buildNetwork(
  table: Table,
  rows: readonly number[],
  { metric, units, seed }: { metric: Question['metric']; units: readonly number[]; seed: number },
): Model<Symbolic> {
  const numbers = rows.map((row) => table.numbers[row])
  const inputs: Record<string, Symbolic> = {
    numbers: input({ shape: [numbers[0].length], name: 'numbers' }),
  }
  const parts = [adaptNormalization(numbers)(inputs.numbers)]
  for (const { name, values } of table.categories) {
    inputs[name] = input({ shape: [1], dtype: 'int32', name })
    parts.push(categoryEncoding({ numTokens: values.length, outputMode: 'oneHot' })(inputs[name]))
  }
  let x = concatenate()(...parts)
  for (const size of units) x = dense({ units: size, activation: 'relu' })(x)
  x = dense({ units: 1 })(x)

  if (metric === 'accuracy') {
    return model({ inputs, outputs: x, seed }).compile({
      optimizer: adam({ learningRate: 0.003 }),
      loss: binaryCrossentropy({ fromLogits: true }),
      metrics: [metric],
    })
  }
  // the layers above give numbers around 0 of size 1; targets have a mean and a deviation of their own
  const targets = rows.map((row) => table.targets[row])
  const mean = meanOf(targets)
  const deviation = Math.sqrt(meanOf(targets.map((target) => (target - mean) ** 2)))
  x = rescaling({ scale: deviation, offset: mean })(x)
  return model({ inputs, outputs: x, seed }).compile({
    optimizer: adam({ learningRate: 0.005 }),
    loss: huber(),
    metrics: [metric],
  })
}
