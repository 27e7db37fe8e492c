// The network the Worker starts with, and who plays its client: penguins of the package vega-datasets.
//
// In:  penguins.json. Out: the bytes of a network that tells three species apart, and of that network frozen with a new head;
//      samples labelled male and female.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { adam, adaptNormalization, dense, load, type Model, sequential, transfer } from 'lanegrad'
import { freeze } from 'lanegrad/freeze'
import { seededRandom, shuffled } from '../shared/random.ts'
import { MAX_LABELS } from './requests.ts'

const SPECIES = ['Adelie', 'Chinstrap', 'Gentoo']
const COLUMNS = ['Beak Length (mm)', 'Beak Depth (mm)', 'Flipper Length (mm)', 'Body Mass (g)']

export interface Penguin {
  readonly x: number[]
  readonly species: number
  readonly label: string
}

/** Those without a missing value, in an order the seed gives. */
export function readPenguins(seed: number): Penguin[] {
  const packageEntry = createRequire(import.meta.url).resolve('vega-datasets')
  const rows: Record<string, unknown>[] = JSON.parse(
    readFileSync(join(dirname(packageEntry), '../data/penguins.json'), 'utf8'),
  )
  const penguins = rows
    .map((row) => ({
      x: COLUMNS.map((column) => row[column] as number),
      species: SPECIES.indexOf(row.Species as string),
      label: String(row.Sex).toLowerCase(),
    }))
    .filter(({ x, label }) => x.every(Number.isFinite) && ['male', 'female'].includes(label))
  return shuffled(penguins, seededRandom(seed))
}

/** A trained network, as bytes; the layer 'hidden' is what a new head is put on. */
export async function trainBase(penguins: readonly Penguin[], seed: number): Promise<Uint8Array> {
  const x = penguins.map((penguin) => penguin.x)
  const model = sequential({
    inputShape: [COLUMNS.length],
    seed,
    layers: [
      adaptNormalization(x),
      dense({ units: 24, activation: 'tanh' }),
      dense({ name: 'hidden', units: 16, activation: 'tanh' }),
      dense({ units: SPECIES.length, activation: 'softmax' }),
    ],
  })
  model.compile({ optimizer: adam({ learningRate: 0.01 }), loss: 'sparseCategoricalCrossentropy' })
  const y = Int32Array.from(penguins, ({ species }) => species)
  await model.fit(x, y, { epochs: 20, batchSize: 16 })
  return model.save()
}

/**
 * The network with a head for MAX_LABELS labels, to train in batches of 16 rows, what is over in fours and ones, so that any
 * number of samples can be learned.
 */
export function freezeBase(base: Uint8Array): Uint8Array {
  const model = transfer(load(base) as Model, {
    output: 'hidden',
    head: [dense({ units: MAX_LABELS, activation: 'softmax' })],
    trainable: true,
  })
  model.compile({
    optimizer: adam({ learningRate: 0.01 }),
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['accuracy'],
  })
  return freeze(model, { train: [16, 4, 1], predict: [1, 16] })
}
