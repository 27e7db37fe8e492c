// Models go on in PyTorch and come back: every kind of layer, loss and optimizer, from the table of cases.ts. One process of Python
// runs all cases, two others the same ones on rows of their own; each model was trained a little before.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeSafetensors } from '../../src/formats/safetensors.ts'
import { load, type Model, tensor } from '../../src/index.ts'
import { layerKinds } from '../../src/layers/kinds.ts'
import { losses as lossKinds } from '../../src/training/loss.ts'
import { optimizers } from '../../src/training/rare-optimizers.ts'
import { PYTHON, torch } from '../support/python.ts'
import { type Case, cases, type Fed, own } from './cases.ts'

const STEPS = 20
const SHARDED = 10
const AFTERWARDS = 10

interface Report {
  readonly predictions: readonly (readonly number[])[]
  readonly gradients: Readonly<Record<string, readonly number[]>>
  readonly losses: readonly number[]
  /** The losses of the first steps of processes that hold a part of every weight. */
  readonly sharded: readonly number[]
  readonly logs: Readonly<Record<string, number>>
  readonly error?: string
}

/** What JavaScript gives for a case. */
interface Expected extends Omit<Report, 'sharded'> {
  /** The losses of the steps behind those that PyTorch takes. */
  readonly later: readonly number[]
}

const run = promisify(execFile)
const script = fileURLToPath(new URL('./run_cases.py', import.meta.url))
const fileOf = (name: string) => name.replaceAll(' ', '-')

/** Values as a model takes them. */
function given(list: readonly Fed[], names: readonly string[] | undefined, isList: boolean): never {
  const arrays = list.map(({ shape, data }) => tensor(data, [...shape]))
  if (names) return Object.fromEntries(names.map((name, i) => [name, arrays[i]])) as never
  return (isList ? arrays : arrays[0]) as never
}

const fedTo = ({ x, y, weights, names, net }: Case) => ({
  x: given(x, names?.x, x.length > 1 || net.inputs.length > 1),
  y: given(y, names?.y, y.length > 1),
  options: weights ? { sampleWeight: given([weights], undefined, false) } : {},
})

const lossesOf = (model: Model<never>, { x, y, options }: ReturnType<typeof fedTo>, count: number) =>
  Array.from({ length: count }, () => model.trainStep(x, y, options).loss)

async function expectedOf(one: Case, file: Uint8Array<ArrayBuffer>): Promise<Expected> {
  const fed = fedTo(one)
  const values = load<never>(file, own).predict(fed.x) as unknown as Fed | Readonly<Record<string, Fed>>
  const outputs = 'data' in values ? [values as Fed] : Object.values(values)
  const logs = await load<never>(file, own).evaluate(fed.x, fed.y, { ...fed.options, batchSize: 5 })
  const model = load<never>(file, own)
  const gradients = model.gradients(fed.x, fed.y, fed.options)
  return {
    predictions: outputs.map(({ data }) => [...data]),
    gradients: Object.fromEntries(Object.entries(gradients).map(([name, { data }]) => [name, [...data]])),
    losses: lossesOf(model, fed, STEPS),
    logs,
    later: lossesOf(model, fed, AFTERWARDS),
  }
}

/** The largest difference, relative to the largest number, or to `least` of it. */
function distance(got: readonly number[], want: readonly number[], least = 1e-30): number {
  expect(got).toHaveLength(want.length)
  const largest = Math.max(least, ...want.map(Math.abs))
  return Math.max(0, ...want.map((value, i) => Math.abs(got[i] - value))) / largest
}

const { isRun, reason } = torch()

describe.runIf(isRun)(`models go on in PyTorch${reason}`, () => {
  const all = isRun ? cases() : []
  const expected = new Map<string, Expected>()
  let folder = ''
  let report: Readonly<Record<string, Report>> = {}
  let parts: readonly Readonly<Record<string, Report>>[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lanegrad-torch-'))
    for (const one of all) {
      const { name, net, x, y, weights } = one
      lossesOf(net, fedTo(one), 3)
      const file = net.save({ includeOptimizer: true })
      await writeFile(join(folder, `${fileOf(name)}.safetensors`), file)
      const arrays = new Map<string, Fed>([
        ...x.map((own, i) => [`x${i}`, own] as const),
        ...y.map((own, i) => [`y${i}`, own] as const),
      ])
      if (weights) arrays.set('weights', weights)
      await writeFile(join(folder, `${fileOf(name)}.data.safetensors`), encodeSafetensors(arrays as never))
      expected.set(name, await expectedOf(one, file))
    }
    const list = all.map(({ name, isRandom = false, isWhole = false, isStateful = false }) => ({
      name: fileOf(name),
      ...{ isRandom, isWhole, isStateful },
    }))
    await writeFile(join(folder, 'cases.json'), JSON.stringify(list))
    const python = (...rest: string[]) => run(PYTHON, [script, folder, ...rest], { maxBuffer: 1e8 })
    const reportOf = async (file: string) => JSON.parse(await readFile(join(folder, file), 'utf8'))
    await python()
    await Promise.all([python('0', '2'), python('1', '2')])
    report = await reportOf('report.json')
    parts = [await reportOf('report-0.json'), await reportOf('report-1.json')]
  }, 300_000)

  afterAll(() => rm(folder, { recursive: true }))

  test.each(all.map((one) => [one.name, one] as const))('%s', async (name, one) => {
    const want = expected.get(name) as Expected
    const got = report[fileOf(name)]
    expect(got.error ?? '').toBe('')
    want.predictions.forEach((values, i) => {
      expect(distance(got.predictions[i], values), 'predictions').toBeLessThan(1e-6)
    })
    for (const logs of [
      got.logs,
      ...(one.isWhole || one.isRandom ? [] : parts.map((part) => part[fileOf(name)].logs)),
    ]) {
      expect(Object.keys(logs).sort()).toEqual(Object.keys(want.logs).sort())
      for (const [key, value] of Object.entries(want.logs))
        expect(distance([logs[key]], [value], 0.01), key).toBeLessThan(1e-5)
    }
    const back = load<never>(await readFile(join(folder, `${fileOf(name)}.back.safetensors`)), own)
    if (one.isRandom) return
    // a bias before a normalization or a softmax has sums that cancel; all other weights keep to a thousandth instead
    const largest = Math.max(...Object.values(want.gradients).flat().map(Math.abs))
    expect(Object.keys(got.gradients).sort()).toEqual(Object.keys(want.gradients).sort())
    for (const [weight, values] of Object.entries(want.gradients))
      expect(distance(got.gradients[weight], values, largest / 20), weight).toBeLessThan(1e-5)
    expect(distance(got.losses, want.losses), 'losses').toBeLessThan(1e-5)
    expect(
      distance(lossesOf(back, fedTo(one), AFTERWARDS), want.later),
      'losses back in JavaScript',
    ).toBeLessThan(1e-5)
    if (one.isWhole) return
    for (const part of parts) {
      expect(distance(part[fileOf(name)].losses, want.losses), 'losses of two processes').toBeLessThan(1e-5)
      expect(
        distance(part[fileOf(name)].sharded, want.losses.slice(0, SHARDED)),
        'losses of parts',
      ).toBeLessThan(1e-5)
    }
    const cut = load<never>(await readFile(join(folder, `${fileOf(name)}.cut.safetensors`)), own)
    const rest = want.losses.slice(SHARDED)
    expect(distance(lossesOf(cut, fedTo(one), rest.length), rest), 'losses behind parts').toBeLessThan(1e-5)
  })

  test('the cases have every kind of layer, loss and optimizer', () => {
    const text = new TextDecoder()
    const seen = new Set(
      all.flatMap(({ net }) =>
        [...text.decode(net.save()).matchAll(/\\"kind\\":\\"(\w+)\\"/g)].map(([, kind]) => kind),
      ),
    )
    const kinds = [
      ...layerKinds.map(({ kind }) => kind),
      ...Object.keys(lossKinds),
      ...Object.keys(optimizers),
    ]
    expect(kinds.filter((kind) => !seen.has(kind))).toEqual([])
  })
})
