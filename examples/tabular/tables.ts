// Tables of cars and penguins, as columns a network can read.
//
// In:  JSON files of the package vega-datasets: lists of records. Out: numbers, ids of categories, targets.
// Records with a missing value (null, or '.' as one penguin's sex) are left out and counted.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { InputError } from '../shared/idx.ts'

type Cell = string | number | null
type Row = Readonly<Record<string, Cell>>

/** What to ask a table. */
export interface Question {
  title: string
  file: string
  /** columns read as numbers; of a date, the year */
  numbers: string[]
  /** columns whose values are names of something, however they are written */
  categories: string[]
  target(row: Row): number
  /** 'mae': the target is a number; 'accuracy': it is 1 (yes) or 0 (no) */
  metric: 'mae' | 'accuracy'
}

/** A category's ids are places in `values`. */
export interface Category {
  name: string
  values: Cell[]
  ids: number[]
}

export interface Table {
  rowCount: number
  leftOutCount: number
  /** [rowCount][columns] */
  numbers: number[][]
  categories: Category[]
  /** [rowCount] */
  targets: number[]
}

export const questions: Question[] = [
  {
    title: 'cars: how many miles per gallon?',
    file: 'cars.json',
    numbers: ['Displacement', 'Horsepower', 'Weight_in_lbs', 'Acceleration', 'Year'],
    categories: ['Cylinders', 'Origin'],
    target: (row) => Number(row.Miles_per_Gallon),
    metric: 'mae',
  },
  {
    title: 'penguins: male? by flipper, mass, island',
    file: 'penguins.json',
    numbers: ['Flipper Length (mm)', 'Body Mass (g)'],
    categories: ['Island'],
    target: (row) => (row.Sex === 'MALE' ? 1 : 0),
    metric: 'accuracy',
  },
  {
    title: 'penguins: male? by these and the beak',
    file: 'penguins.json',
    numbers: ['Flipper Length (mm)', 'Body Mass (g)', 'Beak Length (mm)', 'Beak Depth (mm)'],
    categories: ['Island'],
    target: (row) => (row.Sex === 'MALE' ? 1 : 0),
    metric: 'accuracy',
  },
]

export function readTable({ file, numbers, categories, target }: Question): Table {
  const all: Row[] = JSON.parse(readFileSync(join(packagedData(), file), 'utf8'))
  const rows = all.filter((row) => Object.values(row).every((cell) => cell !== null && cell !== '.'))
  return {
    rowCount: rows.length,
    leftOutCount: all.length - rows.length,
    // of a date like 1970-01-01 parseFloat reads the year
    numbers: rows.map((row) => numbers.map((name) => Number.parseFloat(String(row[name])))),
    categories: categories.map((name) => {
      const values = [...new Set(rows.map((row) => row[name]))].sort()
      return { name, values, ids: rows.map((row) => values.indexOf(row[name])) }
    }),
    targets: rows.map(target),
  }
}

/** The folder of the data files; the package exports its code only, so the way goes past it. */
function packagedData(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('vega-datasets')), '..', 'data')
  } catch {
    throw new InputError('the package vega-datasets is missing: run `npm install`')
  }
}
