// Runs the test data of the ONNX project (Debian's libonnx-testdata): a model, its inputs and the outputs that it must give.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { elements } from '../../../src/interchange/onnx/arrays.ts'
import { loadOnnx } from '../../../src/interchange/onnx/load.ts'
import { decodeTensor } from '../../../src/interchange/onnx/messages.ts'
import { arrayOf, readOnnx } from '../../../src/interchange/onnx/read.ts'
import { LanegradError } from '../../../src/numerics/errors.ts'

export const TESTDATA = '/usr/share/libonnx-testdata/data'

export interface Row {
  readonly name: string
  readonly outcome: 'passed' | 'refused' | 'failed' | 'left out'
  readonly reason: string
}

/** The largest difference, in parts of the largest number. */
export function difference(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  if (got.length !== wanted.length) return Number.POSITIVE_INFINITY
  let most = 0
  let scale = 1e-3
  for (let i = 0; i < wanted.length; i++) {
    if (Object.is(got[i], wanted[i]) || (Number.isNaN(got[i]) && Number.isNaN(wanted[i]))) continue
    scale = Math.max(scale, Math.abs(wanted[i]))
    const off = Math.abs(got[i] - wanted[i])
    most = Math.max(most, Number.isNaN(off) ? Number.POSITIVE_INFINITY : off)
  }
  return most / scale
}

/** float32 and float64. */
const FLOATS = [1, 11]

/** Runs the case in a folder. */
export function runCase(folder: string, name: string): Row {
  const row = (outcome: Row['outcome'], reason = ''): Row => ({ name, outcome, reason })
  const bytes = readFileSync(join(folder, 'model.onnx'))
  const data = join(folder, 'test_data_set_0')
  if (!existsSync(data)) return row('left out', 'no data')
  const files = readdirSync(data)
  const tensorsOf = (kind: string) =>
    files
      .filter((file) => file.startsWith(kind))
      .sort((a, b) => Number(/\d+/.exec(a)?.[0]) - Number(/\d+/.exec(b)?.[0]))
      .map((file) => decodeTensor(readFileSync(join(data, file))))
  const [inputs, outputs] = [tensorsOf('input_'), tensorsOf('output_')]
  if (![...inputs, ...outputs].some(({ dataType }) => FLOATS.includes(dataType ?? 0)))
    return row('left out', 'no float32')
  if (outputs.some(({ dataType }) => !FLOATS.includes(dataType ?? 0)))
    return row('left out', 'an output of another type')
  if (/BFLOAT16/.test(name)) return row('left out', 'its data are bits of bfloat16')
  try {
    const names = readOnnx(bytes).inputs.map((each) => each.name)
    const model = loadOnnx(bytes)
    const given = new Map(names.map((own, i) => [own, inputs[i]]))
    const x: Record<string, Float32Array> = {}
    for (const { name: own } of model.session.network.inputs) {
      const tensor =
        given.get(own) ?? inputs[names.findIndex((each) => each.replaceAll(/[/#:\s]+/g, '.') === own)]
      x[own] = Float32Array.from(elements(arrayOf(tensor)))
    }
    const list = Object.values(x)
    const made = model.predict((list.length === 1 ? list[0] : x) as never) as unknown
    const got = outputs.length === 1 ? [made] : Object.values(made as object)
    const off = outputs.map((tensor, i) =>
      difference((got[i] as { data: Float32Array }).data, elements(arrayOf(tensor))),
    )
    model.dispose()
    return Math.max(...off) <= 1e-4
      ? row('passed', model.importNotes.join(' '))
      : row('failed', `off by ${off}`)
  } catch (error) {
    if (error instanceof LanegradError) return row('refused', error.message)
    return row('failed', String((error as Error).stack).slice(0, 600))
  }
}

/** The rows of a folder of cases. */
export const runCases = (kind: string): Row[] =>
  readdirSync(join(TESTDATA, kind)).map((name) =>
    runCase(join(TESTDATA, kind, name), name.replace(/^test_/, '')),
  )
