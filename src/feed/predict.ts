// Outputs for rows or batches. Enters: checked rows, or an iterable of batches. Leaves: copies of the outputs, rows in the
// order they came.

import { readingInputs } from '../feed/batch.ts'
import { batchesSource, feedPiece, sizesFor, through } from '../feed/source.ts'
import { check, fail, isObject, type Read } from '../numerics/errors.ts'
import { shapeText } from '../numerics/shape.ts'
import { elementCount, type FloatArray } from '../numerics/tensor.ts'
import type { Batch, Batches, Data } from '../rows/rows.ts'
import { turns } from '../rows/turns.ts'
import type { Session } from '../session/session.ts'
import type { OPTIONS } from './options.ts'

type Options = Read<typeof OPTIONS.predict>

/** The outputs for all batches `{ x }` of an iterable, joined, in the network's order. */
export async function predictBatches(
  session: Session,
  batches: Batches<unknown>,
  options: Options,
): Promise<FloatArray[]> {
  const turn = turns()
  const source = batchesSource(session, batches, {
    steps: null,
    passes: 1,
    *read(name, value) {
      const fits = isObject(value) && 'x' in value
      check(fits, name, 'an object { x }', value)
      return { ...(yield* readingInputs(session.feeds, name, value.x as Data)), y: [], weights: [] }
    },
  })
  const parts: FloatArray[][] = []
  await through(source.pass('predict', 1, turn, []), async (pass) => {
    for (;;) {
      const piece = await pass.next()
      if (!piece) break
      parts.push(predictRows(session, piece.batch, options, piece.name))
      await turn()
    }
  })
  return parts[0].map((first, i) => {
    const all = parts.map((outputs) => outputs[i])
    const rest = String(first.shape.slice(1))
    const odd = all.findIndex(({ shape }) => String(shape.slice(1)) !== rest)
    if (odd >= 0)
      fail(
        `predict: batch ${odd + 1} gave rows of ${shapeText(all[odd].shape.slice(1))}; batch 1 of [${rest}]`,
      )
    const shape = [all.reduce((rows, { shape }) => rows + shape[0], 0), ...first.shape.slice(1)]
    const data = new Float32Array(elementCount(shape))
    let at = 0
    for (const part of all) {
      data.set(part.data, at)
      at += part.data.length
    }
    return { shape, data }
  })
}

/** The outputs for all rows of a batch, in the network's order. */
export function predictRows(
  session: Session,
  batch: Batch,
  { batchSize: given, training, verbose, allowNaN }: Options,
  name = '',
): FloatArray[] {
  const { engine } = session
  const { rows } = batch
  const [batchSize] = sizesFor(session, rows, [given])
  const outputs = session.feeds.outputs.map((name) => ({
    name,
    shape: [] as number[],
    data: new Float32Array(0),
  }))
  for (let from = 0; from < rows; from += batchSize) {
    verbose?.show('predict', from, rows, {})
    const to = Math.min(rows, from + batchSize)
    const prepared = session.prepareFor('predict', batch, to - from, { training })
    feedPiece(session, prepared, { batch, order: null, from, to, isChecked: false, name }, allowNaN)
    if (training) engine.drawFrom(session.drawCount++, -1) // those of training count from 0
    engine.forward()
    for (const output of outputs) {
      const slot = prepared.code.results.get(output.name)
      if (!slot) continue
      const { count } = slot
      if (from === 0) {
        output.shape = [rows, ...slot.shape.slice(1)]
        output.data = new Float32Array(elementCount(output.shape))
      }
      output.data.set(engine.view(slot.address, count, slot.dtype), (count / (to - from)) * from)
    }
  }
  return outputs.map(({ shape, data }) => ({ shape, data }))
}
