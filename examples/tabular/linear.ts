// The baseline: least squares on the columns the network gets, each category as columns of 0 and 1.
//
// In:  a table, the rows to fit. Out: a function that predicts any row. Everything is float64.
// Numbers are standardized and a trace of ridge is added, so that a category that doesn't occur among the rows leaves
// the equations solvable.

import type { Table } from './tables.ts'

const RIDGE = 1e-6

export function fitLinear(table: Table, rows: readonly number[]): (row: number) => number {
  const scales = table.numbers[0].map((_, column) => {
    const values = rows.map((row) => table.numbers[row][column])
    const mean = meanOf(values)
    return { mean, deviation: Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2))) || 1 }
  })
  const featuresOf = (row: number) => [
    1,
    ...scales.map(({ mean, deviation }, column) => (table.numbers[row][column] - mean) / deviation),
    ...table.categories.flatMap(({ values, ids }) => values.map((_, id) => (ids[row] === id ? 1 : 0))),
  ]

  // (X'X + ridge) w = X'y
  const width = featuresOf(rows[0]).length
  const matrix = Array.from({ length: width }, (_, i) =>
    Array.from({ length: width }, (_, j) => (i === j ? RIDGE * rows.length : 0)),
  )
  const right = new Array<number>(width).fill(0)
  for (const row of rows) {
    const features = featuresOf(row)
    for (let i = 0; i < width; i++) {
      right[i] += features[i] * table.targets[row]
      for (let j = 0; j < width; j++) matrix[i][j] += features[i] * features[j]
    }
  }
  const weights = solve(matrix, right)
  return (row) => featuresOf(row).reduce((sum, feature, i) => sum + feature * weights[i], 0)
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Gauss and Jordan; the matrix is positive definite, so no rows need changing places. Changes what it is given. */
function solve(matrix: number[][], right: number[]): number[] {
  matrix.forEach((pivotRow, pivot) => {
    matrix.forEach((row, i) => {
      if (i === pivot) return
      const factor = row[pivot] / pivotRow[pivot]
      for (let j = pivot; j < row.length; j++) row[j] -= factor * pivotRow[j]
      right[i] -= factor * right[pivot]
    })
  })
  return right.map((value, i) => value / matrix[i][i])
}
