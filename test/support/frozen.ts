// A model and the trainer frozen from it, called alike. Enters: a compiled model and what to feed it. Leaves: every place
// where the two differ in a bit.
import { readFileSync } from 'node:fs'
import { coreFor, freeze } from '../../src/freeze/index.ts'
import { type Data, type LoadOptions, load, type Model, type NamedArray } from '../../src/index.ts'
import { open } from '../../src/run/index.ts'
import { all } from '../../src/run/modules.ts'

/** The whole core, as the package has it. */
export const wholeCore = (): Uint8Array<ArrayBuffer> => Uint8Array.from(readFileSync('build/core.wasm'))

/** What one call of trainStep is given. */
export interface Fed {
  readonly x: Data
  readonly y: Data
  readonly sampleWeight?: Data
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

/** Where two values first differ: numbers by Object.is, arrays of numbers by their bits; null: nowhere. */
export function difference(got: unknown, want: unknown, at = 'it'): string | null {
  if (ArrayBuffer.isView(got) && ArrayBuffer.isView(want)) {
    if (got.constructor !== want.constructor) return `${at}: another type of array`
    return Buffer.compare(bytesOf(got), bytesOf(want)) === 0 ? null : `${at}: other bits`
  }
  if (typeof got !== 'object' || typeof want !== 'object' || got === null || want === null)
    return Object.is(got, want) ? null : `${at}: ${String(got)}, not ${String(want)}`
  const keys = Object.keys(want)
  if (String(Object.keys(got)) !== String(keys)) return `${at}: ${Object.keys(got)}, not ${keys}`
  for (const key of keys) {
    const found = difference(got[key as keyof object], want[key as keyof object], `${at}.${key}`)
    if (found) return found
  }
  return null
}

const isShaped = (data: unknown): data is NamedArray =>
  typeof data === 'object' && data !== null && 'shape' in data && 'data' in data

/** The rows of every array over and over, `rows` of them. */
export function repeated(data: Data, rows: number): Data {
  if (isShaped(data)) {
    const { shape, data: numbers } = data as NamedArray
    const width = numbers.length / shape[0]
    const longer = numbers.slice(0, 0).constructor as Float32ArrayConstructor
    return {
      shape: [rows, ...shape.slice(1)],
      data: longer.from({ length: rows * width }, (_, i) => numbers[i % numbers.length]),
    }
  }
  if (Array.isArray(data)) return data.map((part) => repeated(part as Data, rows)) as Data
  return Object.fromEntries(
    Object.entries(data as object).map(([name, part]) => [name, repeated(part, rows)]),
  ) as unknown as Data
}

/**
 * Trains both for so many steps, the learning rate halved on the way; saves, and goes on from the file; predicts other numbers
 * of rows. `feed` gives `rows` rows for a step; `loading` is what `load` needs for losses and layers of one's own.
 */
export async function differences(
  model: Model,
  rows: number,
  steps: number,
  feed: (step: number) => Fed,
  loading: LoadOptions = {},
): Promise<string[]> {
  const found: string[] = []
  const note = (what: string, got: unknown, want: unknown) => {
    const where = difference(got, want)
    if (where) found.push(`${what}: ${where}`)
  }
  const sizes = [rows]
  const isWeighted = feed(0).sampleWeight !== undefined
  const frozen = freeze(model, {
    ...{ train: sizes, evaluate: sizes, gradients: sizes, predict: [...new Set([1, rows])] },
    sampleWeight: isWeighted,
  })
  // with the core for this file alone; what is resumed below has the whole one
  const trainer = open(frozen, { modules: all, core: coreFor(frozen, wholeCore()) })
  const optionsOf = ({ sampleWeight }: Fed) => (isWeighted ? { sampleWeight } : {})
  const { x, y, ...rest } = feed(0)
  const options = optionsOf({ x, y, ...rest })
  note('predict', trainer.predict(x), model.predict(x))
  note('gradients', trainer.gradients(x, y, options), model.gradients(x, y, options))
  for (let step = 0; step < steps; step++) {
    const fed = feed(step)
    const logs = trainer.trainStep(fed.x, fed.y, optionsOf(fed))
    note(`step ${step}`, logs, model.trainStep(fed.x, fed.y, optionsOf(fed)))
    if (step === 1) for (const own of [model, trainer]) own.learningRate = own.learningRate / 2
  }
  note('weights', trainer.getWeights(), model.getWeights())
  note(
    'evaluate',
    await trainer.evaluate(x, y, options),
    await model.evaluate(x, y, { ...options, batchSize: rows }),
  )
  for (const count of new Set([1, Math.max(1, rows - 1), rows + 1, 2 * rows + 1])) {
    const more = repeated(x, count)
    note(`predict ${count} rows`, trainer.predict(more), model.predict(more))
  }
  const file = trainer.save()
  const resumed = [open(file, { modules: all }), load(file, loading)]
  for (let step = steps; step < steps + 2; step++) {
    const fed = feed(step)
    const want = model.trainStep(fed.x, fed.y, optionsOf(fed))
    for (const own of [trainer, ...resumed])
      note(`step ${step} after saving`, own.trainStep(fed.x, fed.y, optionsOf(fed)), want)
  }
  for (const own of [trainer, ...resumed]) {
    note('weights in the end', own.getWeights(), model.getWeights())
    own.dispose()
  }
  return found
}
