// What the playground's tab Teach does in its worker, without a page: synthetic pictures of two or three kinds, taught on the
// built-in net and on nets of other makers.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Square } from '../../examples/playground/teach/protocol.ts'
import { Teacher } from '../../examples/playground/teach/teacher.ts'
import { imageTensor } from '../../src/data/index.ts'
import {
  activation,
  conv2d,
  dense,
  dropout,
  type FloatArray,
  flatten,
  globalAveragePooling2d,
  load,
  type Model,
  permute,
  rescaling,
  reshape,
  type Symbolic,
  sequential,
} from '../../src/index.ts'
import { saveKeras } from '../../src/keras/index.ts'
import { loadOnnx, saveOnnx } from '../../src/onnx/index.ts'

/** What costs more than a moment. */
const thorough = test.runIf(process.env.CI)
if (!process.env.CI) console.log('playground-teach.test.ts: the nets and how they go out run with CI=1 alone')

const SIDE = 32
type Color = readonly [number, number, number]

/** A square picture: `color` of each place, with noise that differs from one `seed` to the next. */
function picture(seed: number, color: (x: number, y: number) => Color): Square {
  const data = new Uint8ClampedArray(SIDE * SIDE * 4)
  for (let i = 0; i < SIDE * SIDE; i++) {
    const noise = (((i + 1) * (seed + 1) * 7919) % 61) - 30
    const [x, y] = [i % SIDE, Math.floor(i / SIDE)]
    data.set([...color(x, y).map((value) => value + noise), 255], i * 4)
  }
  return { width: SIDE, height: SIDE, data }
}

const red = (seed: number) => picture(seed, () => [180, 60, 60])
const blue = (seed: number) => picture(seed, () => [60, 60, 180])
const gray = (on: boolean): Color => (on ? [170, 170, 170] : [80, 80, 80])
const bright = (seed: number) => picture(seed, () => gray(true))
const dark = (seed: number) => picture(seed, () => gray(false))
const upright = (seed: number) => picture(seed, (x) => gray((x + seed) % 8 < 4))
const lying = (seed: number) => picture(seed, (_, y) => gray((y + seed) % 8 < 4))

const newTeacher = () => new Teacher(() => {})

/** Gives the teacher `count` pictures of each kind; their numbers, kind by kind. */
async function give(
  teacher: Teacher,
  kinds: readonly ((seed: number) => Square)[],
  count: number,
): Promise<number[][]> {
  const ids = kinds.map((_, kind) => Array.from({ length: count }, (_, i) => kind * 100 + i))
  for (const [kind, make] of kinds.entries())
    for (const [i, id] of ids[kind].entries()) await teacher.add(id, make(i))
  return ids
}

/** How sure it is of the right class, at the least, for pictures that it hasn't seen. */
async function sureness(teacher: Teacher, kinds: readonly ((seed: number) => Square)[]): Promise<number> {
  let least = 1
  for (const [kind, make] of kinds.entries())
    for (const seed of [50, 51, 52]) {
      const { shares } = await teacher.ask(make(seed))
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5)
      least = Math.min(least, shares[kind])
    }
  return least
}

/** The files of a sample of TensorFlow.js, as a page gets them: a net over pictures of 8 x 7. */
function sample(): File[] {
  const { modelTopology, weightSpecs, weights } = JSON.parse(
    readFileSync('test/interchange/tfjs/conv2d_s2_same.json', 'utf8'),
  )
  const weightsManifest = [{ paths: ['group1-shard1of1.bin'], weights: weightSpecs }]
  return [
    new File([Buffer.from(weights, 'base64')], 'group1-shard1of1.bin'),
    new File([JSON.stringify({ modelTopology, weightsManifest, format: 'layers-model' })], 'model.json'),
  ]
}

async function tellsApart(kinds: readonly ((seed: number) => Square)[]): Promise<void> {
  const teacher = newTeacher()
  expect((await teacher.teach(await give(teacher, kinds, 4))).right).toBe(8)
  const check = await teacher.check()
  expect(check?.map(({ id, told }) => Math.floor(id / 100) === told)).toEqual(new Array(8).fill(true))
  expect(await sureness(teacher, kinds)).toBeGreaterThan(0.5)
}

test('two colors, on the built-in net: all are told, those held back as well', () => tellsApart([red, blue]))
thorough('two directions of stripes, wherever they lie', () => tellsApart([upright, lying]))

thorough('a picture of the wrong class is told as what it is where it is held back', async () => {
  const teacher = newTeacher()
  const [reds, blues] = await give(teacher, [red, blue], 4)
  await teacher.add(7, blue(9))
  await teacher.teach([[...reds, 7], blues])
  expect((await teacher.check())?.find(({ id }) => id === 7)?.told).toBe(1)
})

thorough('a class with one picture alone is taught, and not checked; classes count the same', async () => {
  const teacher = newTeacher()
  const [reds, [one]] = await give(teacher, [red, blue], 5)
  expect((await teacher.teach([reds, [one]])).right).toBe(6)
  expect(await teacher.check()).toBe(null)
  expect(await sureness(teacher, [red, blue])).toBeGreaterThan(0.6)
})

test('a net of TensorFlow.js sees instead, cut at its end; pictures given before are looked at again', async () => {
  const teacher = newTeacher()
  const classes = await give(teacher, [red, blue], 4)
  const info = await teacher.useNet({ files: sample() })
  expect(info).toMatchObject({ name: 'model.json', size: [8, 7], channels: 3, scaling: 'unit' })
  await expect(teacher.ask(red(50))).rejects.toThrow('Nothing is taught yet.')
  expect((await teacher.teach(classes)).right).toBe(8)
  expect(await sureness(teacher, [red, blue])).toBeGreaterThan(0.6)
})

thorough('a net is cut before its own dense layers, or where the visitor says', async () => {
  const layers = [
    rescaling({ scale: 1 / 255 }),
    conv2d({ filters: 4, kernelSize: 3, activation: 'relu', name: 'maps' }),
    flatten({ name: 'row' }),
    dense({ units: 5, activation: 'relu', name: 'before' }),
    dropout({ rate: 0.5 }),
    dense({ units: 3, activation: 'softmax', name: 'verdict' }),
  ]
  const own = sequential({ inputShape: [12, 16, 1], layers, seed: 3 })
  const teacher = newTeacher()
  const info = await teacher.useNet({ files: [new File([saveKeras(own)], 'own.keras')] })
  expect(info).toMatchObject({ layer: 'row', size: [12, 16], channels: 1, scaling: 'bytes', features: 560 })
  expect(Object.keys(info.layers)).toEqual(expect.arrayContaining(['maps', 'before', 'verdict']))
  expect(info.layers.maps).toBe('maps (conv2d, 10 × 14 × 4)')
  const again = await teacher.cut('maps', 'unit')
  expect(again).toMatchObject({ layer: 'maps', scaling: 'unit', features: 2 * 2 * 4 })
  expect(await teacher.cut('before', 'unit')).toMatchObject({ features: 5 })
  await teacher.cut('maps', 'unit')
  await expect(teacher.cut('mops', 'unit')).rejects.toThrow('The net has no layer mops.')
  const classes = await give(teacher, [bright, dark], 4)
  expect((await teacher.teach(classes)).right).toBe(8)
})

thorough.each(['safetensors', 'onnx'] as const)('net and head go out as one model: .%s', async (format) => {
  const teacher = newTeacher()
  for (const early of [() => teacher.save(format), () => teacher.ask(red(0))])
    await expect(early()).rejects.toThrow('Nothing is taught yet.')
  await teacher.teach(await give(teacher, [red, blue], 3))
  const bytes = await teacher.save(format)
  const model: Model<Symbolic> = format === 'onnx' ? loadOnnx(bytes) : load(bytes)
  for (const make of [red, blue]) {
    const { shares } = await teacher.ask(make(60))
    const { data } = model.predict(imageTensor(make(60), { size: 64 })) as FloatArray
    for (const [i, share] of shares.entries()) expect(data[i]).toBeCloseTo(share, 5)
  }
  // what was taught can be the net of another lesson
  const info = await teacher.useNet({ files: [new File([bytes], `model.${format}`)] })
  expect(info.features).toBe(231)
})

thorough(
  'a net whose channels come first gets its pictures so: the same answers as from the net it was made of',
  async () => {
    const layers = [conv2d({ filters: 4, kernelSize: 5, name: 'maps' }), flatten(), dense({ units: 2 })]
    const own = sequential({ inputShape: [9, 11, 3], layers, seed: 3 })
    const first = sequential({
      inputShape: [3, 9, 11],
      layers: [permute({ dims: [2, 3, 1] }), ...layers],
      seed: 3,
    })
    first.setWeights(own.getWeights())
    const answers = []
    for (const net of [own, first]) {
      const teacher = newTeacher()
      const info = await teacher.useNet({ files: [new File([saveOnnx(net)], 'net.onnx')] })
      expect(info).toMatchObject({ size: [9, 11], channels: 3 })
      await teacher.cut(info.layer, 'imagenet')
      await teacher.teach(await give(teacher, [red, upright], 3))
      answers.push((await teacher.ask(red(50))).shares)
    }
    for (const [i, share] of answers[0].entries()) expect(answers[1][i]).toBeCloseTo(share, 4)
  },
)

test('what can’t be taken is said in words, and the net before stays', async () => {
  const teacher = newTeacher()
  const classes = await give(teacher, [red, blue], 3)
  await teacher.teach(classes)
  const { shares } = await teacher.ask(red(50))
  const [shard, json] = sample()
  const foreign = JSON.stringify(
    JSON.parse(await json.text(), (_, value) => (value === 'Conv2D' ? 'Conv2DWithMagic' : value)),
  )
  const rows = sequential({ inputShape: [4], layers: [dense({ units: 2 })] })
  for (const [files, words] of [
    [
      [new File(['a'], 'readme.txt')],
      /^No net is among these files\. A net is model\.json with its \.bin files/,
    ],
    [[shard, json, new File([], 'b.onnx')], /^These are several nets: model\.json, b\.onnx\./],
    [[json], /group1-shard1of1\.bin/],
    [[shard, new File([foreign], 'model.json')], /Conv2DWithMagic/],
    [[new File([Uint8Array.of(1, 2, 3)], 'a.onnx')], /ONNX/],
    [[new File([Uint8Array.of(1, 2, 3)], 'a.h5')], /expected a \.keras file/],
    [[new File([rows.save()], 'rows.safetensors')], /^rows\.safetensors takes \[4\], no pictures/],
  ] as const)
    await expect(teacher.useNet({ files }), String(words)).rejects.toThrow(words)
  expect((await teacher.ask(red(50))).shares).toEqual(shares)
})

thorough('the usual cut: pooled maps, maps that are too large as a row, a net without maps', async () => {
  const image = { inputShape: [32, 40, 3] }
  const conv = (filters: number) => conv2d({ filters, kernelSize: 3, padding: 'same', name: 'maps' })
  const verdict = () => [
    dense({ units: 6, name: 'own' }),
    dropout({ rate: 0.5 }),
    dense({ units: 3, name: 'verdict' }),
  ]
  for (const [layers, layer, features] of [
    [[conv(8), globalAveragePooling2d({ name: 'pooled' }), ...verdict()], 'pooled', 8],
    [[conv(4), flatten(), ...verdict()], 'maps', 2 * 2 * 4],
    [
      [conv(5), globalAveragePooling2d({ name: 'pooled' }), activation({ activation: 'softmax' })],
      'pooled',
      5,
    ],
    [[reshape({ targetShape: [3840], name: 'row' }), ...verdict()], 'own', 6],
  ] as const) {
    const net = sequential({ ...image, layers: [...layers] })
    const info = await newTeacher().useNet({ files: [new File([net.save()], 'net.safetensors')] })
    expect(info).toMatchObject({ layer, features })
  }
})
