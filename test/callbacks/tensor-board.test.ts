// TensorBoard's event files. They are read back here by a reader that knows the format alone: every length, every checksum (computed
// bit by bit) and every field is looked at. Where a Python with the package tensorboard is at hand (its path in TENSORBOARD_PYTHON),
// TensorBoard's own reader must find the same.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { dense, type FitOptions, sequential } from '../../src/index.ts'
import { type TensorBoardOptions, tensorBoard } from '../../src/node/index.ts'
import { refused, refusedSoon } from '../support/refused.ts'

const root = mkdtempSync(join(tmpdir(), 'lanegrad-events-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const newFolder = () => join(root, String(folders++))

const net = () => {
  const model = sequential({ inputShape: [2], layers: [dense({ units: 3, name: 'out' })], seed: 1 })
  model.compile({ optimizer: 'sgd', loss: 'mse', metrics: ['meanAbsoluteError'] })
  return model
}
const x = Float32Array.from({ length: 16 }, (_, i) => i / 16)
const y = Float32Array.from({ length: 24 }, (_, i) => (i % 5) / 5)

async function trained(options: Omit<TensorBoardOptions, 'logDir'>, fit: FitOptions = {}, model = net()) {
  const logDir = newFolder()
  const history = await model.fit(x, y, { ...fit, callbacks: [tensorBoard({ logDir, ...options })] })
  return { logDir, history, model }
}

/** CRC-32C, by the definition. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  return ~crc >>> 0
}
const masked = (crc: number) => ((((crc >>> 15) | (crc << 17)) >>> 0) + 0xa282ead8) >>> 0

type Field = number | bigint | Buffer

/** The fields of a protobuf message: by number, in order. */
function fieldsOf(bytes: Buffer): [number, Field][] {
  const fields: [number, Field][] = []
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const key = Number(varint())
    const [field, type] = [key >> 3, key & 7]
    if (type === 0) fields.push([field, varint()])
    else if (type === 1) {
      fields.push([field, bytes.readDoubleLE(at)])
      at += 8
    } else if (type === 5) {
      fields.push([field, bytes.readFloatLE(at)])
      at += 4
    } else {
      expect(type).toBe(2)
      const length = Number(varint())
      fields.push([field, bytes.subarray(at, at + length)])
      at += length
    }
  }
  expect(at).toBe(bytes.length)
  return fields
}

interface Told {
  readonly step: number
  readonly tag: string
  readonly value?: number
  readonly histogram?: {
    readonly stats: readonly number[]
    readonly limits: number[]
    readonly counts: number[]
  }
}

const doubles = (bytes: Buffer) =>
  Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readDoubleLE(8 * i))

function readValue(bytes: Buffer): Omit<Told, 'step'> {
  const fields = new Map(fieldsOf(bytes))
  const tag = String(fields.get(1))
  const histo = fields.get(5) as Buffer | undefined
  if (!histo) return { tag, value: fields.get(2) as number }
  const parts = new Map(fieldsOf(histo))
  const stats = [1, 2, 3, 4, 5].map((field) => parts.get(field) as number)
  return {
    tag,
    histogram: { stats, limits: doubles(parts.get(6) as Buffer), counts: doubles(parts.get(7) as Buffer) },
  }
}

/** All that the records of a file tell. */
function eventsOf(file: Buffer): Told[] {
  const told: Told[] = []
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at))
    expect(file.readUInt32LE(at + 8)).toBe(masked(crc32c(file.subarray(at, at + 8))))
    const event = file.subarray(at + 12, at + 12 + length)
    expect(file.readUInt32LE(at + 12 + length)).toBe(masked(crc32c(event)))
    const fields = new Map(fieldsOf(event))
    expect(Math.abs((fields.get(1) as number) - Date.now() / 1000)).toBeLessThan(60)
    if (at === 0) expect(String(fields.get(3))).toBe('brain.Event:2')
    else
      for (const [field, value] of fieldsOf(fields.get(5) as Buffer)) {
        expect(field).toBe(1)
        told.push({ step: Number(fields.get(2)), ...readValue(value as Buffer) })
      }
    at += 16 + length
  }
  return told
}

const pathsIn = (logDir: string, kind: string) =>
  readdirSync(join(logDir, kind)).map((name) => join(logDir, kind, name))
const told = (logDir: string, kind: string) =>
  pathsIn(logDir, kind).flatMap((path) => eventsOf(readFileSync(path)))
const byStep = (events: readonly Told[], tag: string) =>
  events.flatMap((event) => (event.tag === tag ? [[event.step, event.value]] : []))

test('the checksum is that of RFC 3720', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
})

describe('tensorBoard writes', () => {
  test('the logs of every epoch, those of validation apart', async () => {
    const { logDir, history } = await trained({}, { epochs: 3, validationSplit: 0.25 })
    const train = told(logDir, 'train')
    const floats = (values: readonly number[]) => values.map((value, epoch) => [epoch, Math.fround(value)])
    expect(byStep(train, 'epoch_loss')).toEqual(floats(history.loss))
    expect(byStep(train, 'epoch_meanAbsoluteError')).toEqual(floats(history.meanAbsoluteError))
    expect(byStep(train, 'epoch_learning_rate')).toEqual(floats([0.01, 0.01, 0.01]))
    expect(train).toHaveLength(9)
    const validation = told(logDir, 'validation')
    expect(byStep(validation, 'epoch_loss')).toEqual(floats(history.val_loss))
    expect(validation).toHaveLength(6)
  })

  test('those of batches, at their steps, all or some of them', async () => {
    const fit = { epochs: 3, initialEpoch: 1, batchSize: 2 }
    const all = await trained({ updateFreq: 'batch' }, fit)
    expect(byStep(told(all.logDir, 'train'), 'batch_loss').map(([step]) => step)).toEqual([
      5, 6, 7, 8, 9, 10, 11, 12,
    ])
    const some = await trained({ updateFreq: 3 }, fit)
    expect(byStep(told(some.logDir, 'train'), 'batch_loss').map(([step]) => step)).toEqual([6, 9, 12])
    expect(readdirSync(some.logDir)).toEqual(['train'])
  })

  test('histograms of the weights', async () => {
    const { logDir, model } = await trained({ histogramFreq: 2 }, { epochs: 2 })
    const events = told(logDir, 'train').filter((event) => event.histogram)
    expect(events.map(({ step, tag }) => [step, tag])).toEqual([
      [1, 'out/kernel'],
      [1, 'out/bias'],
    ])
    const kernel = [...model.getWeights()['out/kernel'].data]
    const { stats, limits, counts } = events[0].histogram as NonNullable<Told['histogram']>
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
    expect(stats.slice(0, 3)).toEqual([Math.min(...kernel), Math.max(...kernel), kernel.length])
    expect(stats[3]).toBeCloseTo(sum(kernel), 12)
    expect(stats[4]).toBeCloseTo(sum(kernel.map((value) => value * value)), 12)
    expect(limits.at(-1)).toBe(Math.max(...kernel))
    expect(limits).toEqual([...limits].sort((a, b) => a - b))
    expect(sum(counts)).toBe(kernel.length)
    limits.forEach((limit, i) => {
      const below = i === 0 ? -Infinity : limits[i - 1]
      const inside = kernel.filter((value) => value >= below && (value < limit || i === limits.length - 1))
      expect([i, counts[i]]).toEqual([i, inside.length])
    })
  })

  test('weights that are all alike, and such as are not finite', async () => {
    const model = net()
    model.setWeights({
      'out/kernel': [
        [NaN, Infinity, 1],
        [1, 1, 1],
      ],
    })
    model.compile({ optimizer: 'sgd', loss: 'mse', warnings: false })
    const { logDir } = await trained(
      { histogramFreq: 1 },
      { epochs: 1 },
      model.setTrainable(() => false),
    )
    const [kernel, bias] = told(logDir, 'train').flatMap(({ histogram }) => histogram ?? [])
    expect([kernel.stats.slice(0, 3), kernel.counts]).toEqual([[1, 1, 4], [4]])
    expect([bias.stats.slice(0, 3), bias.counts]).toEqual([[0, 0, 3], [3]])
  })

  test('a file for each run, at once: what a killed run leaves is whole', async () => {
    const logDir = newFolder()
    const seen: number[] = []
    const look = {
      onTrainBegin: () => seen.push(told(logDir, 'train').length),
      onEpochEnd: () => seen.push(told(logDir, 'train').length),
    }
    const callbacks = [tensorBoard({ logDir }), look]
    await net().fit(x, y, { epochs: 2, callbacks })
    expect(seen).toEqual([0, 3, 6])
    await net().fit(x, y, { callbacks })
    expect(pathsIn(logDir, 'train')).toHaveLength(2)
  })
})

describe('tensorBoard refuses', () => {
  test.each([
    [{}, 'tensorBoard: logDir must be the path of a folder; got undefined'],
    [{ logDir: '' }, 'tensorBoard: logDir must be the path of a folder; got ""'],
    [
      { logDir: 'a', updateFreq: 0 },
      'tensorBoard: updateFreq must be "epoch" or "batch", or a number of batches; got 0',
    ],
    [{ logDir: 'a', histogramFreq: -1 }, 'tensorBoard: histogramFreq must be an integer >= 0; got -1'],
  ])('%j', (options, message) => {
    refused(message, () => tensorBoard(options as never))
  })

  test('a folder that is a file, before anything is trained', async () => {
    const file = newFolder()
    writeFileSync(file, 'text')
    const model = net()
    const callbacks = [tensorBoard({ logDir: file })]
    await refusedSoon(/^tensorBoard: can't write .*train/, () => model.fit(x, y, { callbacks }), model)
  })
})

const python = process.env.TENSORBOARD_PYTHON
test.runIf(python)("TensorBoard's own reader finds the same (needs TENSORBOARD_PYTHON)", async () => {
  const { logDir, history } = await trained(
    { updateFreq: 'batch', histogramFreq: 1 },
    { epochs: 3, batchSize: 2 },
  )
  const script = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1]).Reload()
tags = events.Tags()
histogram = events.Histograms('out/kernel')[-1]
print(json.dumps({
  'scalars': sorted(tags['scalars']), 'histograms': sorted(tags['histograms']),
  'loss': [[event.step, event.value] for event in events.Scalars('epoch_loss')],
  'batches': len(events.Scalars('batch_loss')), 'count': histogram.histogram_value.num }))`
  const { stdout, stderr } = spawnSync(python as string, ['-c', script, join(logDir, 'train')], {
    encoding: 'utf8',
  })
  expect(JSON.parse(stdout || JSON.stringify(stderr))).toEqual({
    scalars: [
      'batch_loss',
      'batch_meanAbsoluteError',
      'epoch_learning_rate',
      'epoch_loss',
      'epoch_meanAbsoluteError',
    ],
    histograms: ['out/bias', 'out/kernel'],
    loss: history.loss.map((loss, epoch) => [epoch, Math.fround(loss)]),
    batches: 12,
    count: 6,
  })
})
if (!python) console.log("tensor-board.test.ts: TensorBoard's own reader isn't asked: no TENSORBOARD_PYTHON")
