// Data as `fit` and `evaluate` are given it, to sources of batches. Enters: one dataset or an iterable of batches, and the
// options that go with it. Leaves: rows read in turns and looked through for NaN, or batches that are checked as they come.

import { arrayType } from '../numerics/brands.ts'
import { fail, type Read } from '../numerics/errors.ts'
import { shareOf } from '../numerics/exact.ts'
import { type Batch, type Batches, type Dataset, type Rows, sliceRows } from '../rows/rows.ts'
import { inTurns, type Turn, turns } from '../rows/turns.ts'
import type { Feeds } from '../session/feeds.ts'
import type { Session } from '../session/session.ts'
import { readingBatch } from './batch.ts'
import type { ClassWeight } from './class-weight.ts'
import { checkDataset, type Given, readHeldOut } from './given.ts'
import type { EvaluateOptions, FitOptions, FitRead, OPTIONS } from './options.ts'
import { batchesSource, rowsSource, type Source } from './source.ts'

const part = (batch: Batch, from: number, to: number): Batch => ({
  rows: to - from,
  x: batch.x.map((rows) => sliceRows(rows, from, to)),
  y: batch.y.map((rows) => sliceRows(rows, from, to)),
  weights: batch.weights.map((rows) => rows && sliceRows(rows, from, to)),
})

/** The last `share` of the rows for validation, as Keras splits; decimal fractions are taken for what they say. */
export function splitValidation(batch: Batch, share: number): [train: Batch, validation: Batch | null] {
  if (share === 0) return [batch, null]
  const at = Math.floor(shareOf(batch.rows, 1 - share))
  if (at === 0 || at === batch.rows)
    fail(`fit: validationSplit ${share} of ${batch.rows} rows leaves an empty part`)
  return [part(batch, 0, at), part(batch, at, batch.rows)]
}

/** Looks for NaN in all float rows before anything runs, in turns. */
async function checkNaN(
  named: readonly { readonly what: string; readonly rows: Rows | null }[],
  turn: Turn,
): Promise<void> {
  for (const { what, rows } of named) {
    if (!rows || !/^Float/.test(`${arrayType(rows.data)}`)) continue
    const { data } = rows
    for (let from = 0; from < data.length; from += 1 << 20) {
      const to = Math.min(data.length, from + (1 << 20))
      let sum = 0 // NaN + anything is NaN; infinities may make one too, so look closer then
      for (let i = from; i < to; i++) sum += data[i]
      if (Number.isNaN(sum)) {
        const bad = data.subarray(from, to).findIndex(Number.isNaN)
        if (bad >= 0) {
          const row = Math.floor(((from + bad) * rows.rows) / data.length)
          fail(`${what}: row ${row} holds NaN (pass allowNaN: true to use it all the same)`)
        }
      }
      await turn()
    }
  }
}

interface RowsReading {
  /** Opens messages. */
  readonly what: string
  readonly allowNaN: boolean
  readonly turn: Turn
}

/** Checked rows of a dataset. */
export async function readRows(
  feeds: Feeds,
  data: Dataset,
  { what, allowNaN, turn }: RowsReading,
): Promise<Batch> {
  const batch = await inTurns(readingBatch(feeds, what, data), turn)
  if (allowNaN) return batch
  const named = [
    ...batch.x.map((rows, i) => ({ what: `input ${feeds.inputs[i].name}`, rows })),
    ...batch.y.map((rows, i) => ({ what: `target ${feeds.targets[i].name}`, rows })),
    ...batch.weights.map((rows) => ({ what: 'sample weights', rows })),
  ]
  await checkNaN(named, turn)
  return batch
}

interface BatchesReading {
  /** Batches that make a pass, and how many passes there will be. */
  readonly steps: number | undefined
  readonly passes: number
  readonly classWeight?: ClassWeight | null
}

/** Batches as an iterable gives them, each checked when it comes. */
function datasetBatches(
  session: Session,
  batches: Batches,
  { steps, passes, classWeight }: BatchesReading,
): Source {
  const { feeds } = session
  return batchesSource(session, batches, {
    steps: steps ?? null,
    passes,
    *read(name, value) {
      checkDataset(name, value)
      const batch = yield* readingBatch(feeds, name, value)
      return classWeight?.weigh(name, batch, feeds) ?? batch
    },
  })
}

/** Throws where an option isn't for rows, or isn't for batches. */
function checkForm<O extends object>(
  what: string,
  given: Given | null,
  options: O,
  forRows: readonly (keyof O & string)[],
  forBatches: readonly (keyof O & string)[],
): void {
  const areBatches = given?.kind === 'batches'
  for (const name of areBatches ? forRows : forBatches)
    if (options[name] !== undefined)
      fail(`${what}: ${name} is ${areBatches ? 'not ' : ''}for batches from an iterable`)
}

/** @throws LanegradError naming options of `evaluate` that don't go with the data */
export const checkEvaluated = (given: Given, options: EvaluateOptions): void =>
  checkForm('evaluate', given, options, ['batchSize'], ['steps'])

/** What `evaluate` goes over. */
export async function readEvaluated(
  session: Session,
  given: Given,
  { batchSize, steps, allowNaN }: Read<typeof OPTIONS.evaluate>,
  turn: Turn,
): Promise<Source> {
  if (given.kind === 'batches') return datasetBatches(session, given.data, { steps, passes: 1 })
  const batch = await readRows(session.feeds, given.data, { what: 'evaluate', allowNaN, turn })
  return rowsSource(session, batch, [batchSize], {})
}

/** The data to validate with. @throws LanegradError naming data or options that don't go together */
export function heldOut(feeds: Feeds, given: Given, options: FitOptions<never>): Given | null {
  const held = readHeldOut(feeds, options.validationData ?? null)
  if (held && options.validationSplit) fail('fit: give validationSplit or validationData, not both')
  checkForm('fit', given, options, ['batchSize', 'shuffle', 'validationSplit'], ['stepsPerEpoch'])
  checkForm('fit', held, options, [], ['validationSteps'])
  return held
}

/** What `fit` trains on and validates with. @throws LanegradError naming what doesn't fit */
export async function readSources(
  session: Session,
  given: Given,
  held: Given | null,
  options: FitRead,
): Promise<{ train: Source; validation: Source | null }> {
  const { feeds } = session
  const { epochs, initialEpoch, batchSize, shuffle, validationSplit, classWeight, allowNaN } = options
  const turn = turns()
  const passes = Math.max(1, epochs - initialEpoch)
  const hold = (batch: Batch) => rowsSource(session, batch, [options.validationBatchSize ?? batchSize], {})
  let train: Source
  let validation: Source | null = null
  if (given.kind === 'batches') {
    train = datasetBatches(session, given.data, { steps: options.stepsPerEpoch, passes, classWeight })
  } else {
    const read = await readRows(feeds, given.data, { what: 'fit', allowNaN, turn })
    const [batch, split] = splitValidation(read, validationSplit)
    train = rowsSource(session, classWeight?.weigh('fit', batch, feeds) ?? batch, [batchSize], { shuffle })
    if (split) validation = hold(split)
  }
  if (held?.kind === 'batches')
    validation = datasetBatches(session, held.data, { steps: options.validationSteps, passes })
  else if (held)
    validation = hold(await readRows(feeds, held.data, { what: 'fit: validationData', allowNaN, turn }))
  return { train, validation }
}
