// The digits example's own parts: IDX files made by hand, byte by byte, and reports on inputs small enough
// to check by eye. Expectations are written out from the format and the definitions, never printed by the
// code under test.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { digitsCommand } from '../../examples/digits/options.ts'
import { decodeIdx, InputError, pairSamples, readSamples, sliceSamples } from '../../examples/shared/idx.ts'
import { classNames } from '../../examples/shared/mnist.ts'
import { formatPercent, formatRate, formatTime, showProgress } from '../../examples/shared/progress.ts'
import {
  confusionCounts,
  confusionTable,
  drawImage,
  drawMistakes,
  predictedClasses,
  surestMistakes,
} from '../../examples/shared/report.ts'

// Three images of 2 x 2 pixels, and their labels.
const IMAGE_PIXELS = [0, 255, 51, 102, 1, 2, 3, 4, 255, 255, 0, 0]
const IMAGE_FILE = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2, ...IMAGE_PIXELS)
const LABEL_FILE = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 3, 7, 0, 9)

describe('decodeIdx', () => {
  test('reads sizes and elements', () => {
    const { shape, data } = decodeIdx(IMAGE_FILE, 3, 'images')
    expect(shape).toEqual([3, 2, 2])
    expect([...data]).toEqual(IMAGE_PIXELS)
  })

  test('reads big-endian sizes above one byte, and a file that starts inside its buffer', () => {
    const file = new Uint8Array(5 + 8 + 0x0102)
    file.set([0, 0, 8, 1, 0, 0, 1, 2, 42], 5)
    const { shape, data } = decodeIdx(file.subarray(5), 1, 'labels')
    expect(shape).toEqual([258])
    expect(data.length).toBe(258)
    expect(data[0]).toBe(42)
  })

  test('unzips by content', () => {
    expect([...decodeIdx(gzipSync(LABEL_FILE), 1, 'labels').data]).toEqual([7, 0, 9])
  })

  const zipped = gzipSync(IMAGE_FILE)
  test.each([
    ['an empty file', Uint8Array.of(), 'images: expected 4 bytes of header; got 0'],
    ['half a header', IMAGE_FILE.slice(0, 9), 'images: expected 16 bytes of header; got 9'],
    ['a missing pixel', IMAGE_FILE.slice(0, -1), 'images: expected 28 bytes for 3 x 2 x 2; got 27'],
    ['a byte too many', Uint8Array.of(...IMAGE_FILE, 0), 'images: expected 28 bytes for 3 x 2 x 2; got 29'],
    ['labels in its place', LABEL_FILE, 'images: 3 Uint8, expected Uint8 with 3 axes'],
    [
      'elements of float32',
      Uint8Array.of(0, 0, 13, ...IMAGE_FILE.slice(3), ...new Uint8Array(36)),
      'images: 3 x 2 x 2 Float32, expected Uint8 with 3 axes',
    ],
    ['half a gzip', zipped.subarray(0, zipped.length - 12), 'images: broken gzip: '],
    [
      'a damaged gzip',
      Uint8Array.from(zipped, (byte, i) => (i < 10 ? byte : 255 - byte)),
      'images: broken gzip: ',
    ],
  ])('refuses %s', (_, file, message) => {
    expect(() => decodeIdx(file, 3, 'images')).toThrow(InputError)
    expect(() => decodeIdx(file, 3, 'images')).toThrow(message)
  })
})

describe('pairSamples', () => {
  const images = decodeIdx(IMAGE_FILE, 3, 'images')
  const labels = decodeIdx(LABEL_FILE, 1, 'labels')

  test('scales pixels to 0..1 and keeps the labels', () => {
    const set = pairSamples(images, labels, 'set')
    expect(set.images.shape).toEqual([3, 4])
    expect([...set.images.data.subarray(0, 4)]).toEqual([0, 1, Math.fround(0.2), Math.fround(0.4)])
    expect(set.labels).toEqual({ shape: [3], data: Int32Array.of(7, 0, 9) })
    expect([set.rowCount, set.columnCount]).toEqual([2, 2])
  })

  test('takes the first samples only, and no more than there are', () => {
    expect(pairSamples(images, labels, 'set', 2).images.shape).toEqual([2, 4])
    expect(pairSamples(images, labels, 'set', 2).labels.data).toEqual(Int32Array.of(7, 0))
    expect(pairSamples(images, labels, 'set', 99).labels.shape).toEqual([3])
  })

  test('slices without copying', () => {
    const set = pairSamples(images, labels, 'set')
    const last = sliceSamples(set, 2, 3)
    expect([...last.images.data]).toEqual([1, 1, 0, 0])
    expect(last.images.shape).toEqual([1, 4])
    expect([...last.labels.data]).toEqual([9])
    expect(last.images.data.buffer).toBe(set.images.data.buffer)
  })

  test('refuses what does not belong together', () => {
    const one = { shape: [1], data: Uint8Array.of(3) }
    expect(() => pairSamples(images, one, 'set')).toThrow('set: 3 images but 1 labels')
    const stray = { shape: [3], data: Uint8Array.of(0, 10, 1) }
    expect(() => pairSamples(images, stray, 'set')).toThrow('set: label 10 at 1, expected 0 to 9')
    const none = { shape: [0, 28, 28], data: Uint8Array.of() }
    expect(() => pairSamples(none, { shape: [0], data: Uint8Array.of() }, 'set')).toThrow(
      'no pixels in 0 x 28 x 28',
    )
  })
})

describe('readSamples', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'digits-'))
  })
  afterEach(() => {
    rmSync(folder, { recursive: true })
  })

  test.each([
    ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte.gz'],
    ['train-images.idx3-ubyte.gz', 'train-labels.idx1-ubyte'],
  ])('finds %s and %s', (images, labels) => {
    for (const [name, bytes] of [
      [images, IMAGE_FILE],
      [labels, LABEL_FILE],
    ] as const) {
      writeFileSync(join(folder, name), name.endsWith('.gz') ? gzipSync(bytes) : bytes)
    }
    expect([...readSamples(folder, 'train', 2).labels.data]).toEqual([7, 0])
  })

  test('says what it looked for', () => {
    expect(() => readSamples(join(folder, 'absent'), 'train')).toThrow(
      `no such folder: ${join(folder, 'absent')}`,
    )
    expect(() => readSamples(folder, 't10k')).toThrow(
      `nothing to read in ${folder}: looked for t10k-images-idx3-ubyte, t10k-images-idx3-ubyte.gz, ` +
        't10k-images.idx3-ubyte, t10k-images.idx3-ubyte.gz',
    )
  })
})

describe('report', () => {
  test('predicts the class of the largest logit, the first of equal ones', () => {
    expect(predictedClasses(Float32Array.of(0, 2, 1, -3, -2, -2, 5, 5, 5), 3)).toEqual(Int32Array.of(1, 1, 0))
  })

  test('counts labels against predictions', () => {
    const counts = confusionCounts(Int32Array.of(0, 0, 1, 2, 0), Int32Array.of(0, 1, 1, 0, 0), 3)
    expect(counts).toEqual([
      [2, 1, 0],
      [0, 1, 0],
      [1, 0, 0],
    ])
  })

  test('aligns the table', () => {
    const counts = [
      [2, 1, 0],
      [0, 980, 20],
      [0, 0, 0],
    ]
    expect(confusionTable(counts, ['bag', 'sneaker', 'boot']).split('\n')).toEqual([
      '          bag sneak  boot   recall',
      '    bag     2     1     ·   66.7 %',
      'sneaker     ·   980    20   98.0 %',
      '   boot     ·     ·     ·        -',
    ])
  })

  test('keeps ten classes of full size within 80 columns', () => {
    const counts = Array.from({ length: 10 }, () => new Array<number>(10).fill(10000))
    for (const line of confusionTable(counts, classNames('fashion')).split('\n')) {
      expect(line.length).toBeLessThanOrEqual(80)
    }
  })

  test('finds the surest mistakes first', () => {
    // logits ln 3 and 0 give probabilities 3/4 and 1/4; ln 9 and 0 give 9/10 and 1/10
    const logits = Float32Array.of(Math.log(3), 0, 0, Math.log(9), 5, 0)
    const mistakes = surestMistakes(logits, Int32Array.of(1, 0, 0), 2, 5)
    expect(mistakes.map(({ index, label, predicted }) => [index, label, predicted])).toEqual([
      [1, 0, 1],
      [0, 1, 0],
    ])
    expect(mistakes[0].probability).toBeCloseTo(0.9, 6)
    expect(mistakes[1].probability).toBeCloseTo(0.75, 6)
    expect(surestMistakes(logits, Int32Array.of(1, 0, 0), 2, 1).length).toBe(1)
  })

  test('draws two pixel rows to a line, the odd last one alone', () => {
    const pixels = Float32Array.of(0, 1, 0, 1, 0.5, 0, 0, 1, 1, 0.4, 1, 0, 0.2, 0.8, 1)
    expect(drawImage(pixels, 5, 26)).toEqual([' ▀▄█▒', '▀  ▀▀'])
  })

  test('cuts or shrinks what is too wide', () => {
    const cut = Float32Array.of(1, 0, 1, 0, 1, 1, 0, 1, 0, 1) // 2 rows of 5
    expect(drawImage(cut, 5, 3)).toEqual([' █ '])
    const shrunk = new Float32Array(4 * 8) // 4 rows of 8 become 2 of 4
    for (const i of [0, 1, 8, 9, 22, 23, 30, 31]) shrunk[i] = 1
    expect(drawImage(shrunk, 8, 4)).toEqual(['▀  ▄'])
  })

  test('puts drawings and captions side by side', () => {
    const pictures = { data: Float32Array.of(1, 0, 0, 1, 1, 1, 1, 1), rowCount: 2, columnCount: 2 }
    const mistakes = [
      { index: 1, label: 5, predicted: 3, probability: 0.874 },
      { index: 0, label: 4, predicted: 9, probability: 0.999 },
    ]
    expect(drawMistakes(mistakes, pictures, classNames('mnist')).split('\n')).toEqual([
      `██${' '.repeat(25)}▀▄`,
      'is 5, predicted 3 (87 %)   is 4, predicted 9 (100 %)',
    ])
    expect(drawMistakes(mistakes, pictures, classNames('fashion')).split('\n').slice(1)).toEqual([
      'is sandal, predicted dress is coat, predicted boot',
      '(87 %)                     (100 %)',
    ])
  })
})

describe('progress', () => {
  // Plays two epochs of 100 samples in batches of 64, 100 ms a batch, and returns what was written.
  function play(stopAfter: number): string {
    let written = ''
    let nowMs = 0
    let batches = 0
    const stream = {
      isTTY: false,
      write: (text: string) => {
        written += text
      },
    } as unknown as NodeJS.WriteStream
    const progress = showProgress(stream, {}, () => nowMs)
    progress.onTrainBegin({ epochs: 2, samples: 100, batchSize: 64 })
    for (let epoch = 0; epoch < 2 && batches < stopAfter; epoch++) {
      progress.onEpochBegin(epoch)
      for (let batch = 0; batch < 2 && batches < stopAfter; batch++, batches++) {
        nowMs += 100
        progress.onBatchEnd(batch, { loss: 0.5, accuracy: 0.25 })
      }
      if (batches % 2 === 0) progress.onEpochEnd(epoch, { loss: 0.4, accuracy: 0.8, val_accuracy: 0.75 })
    }
    progress.close()
    progress.close()
    return written
  }
  const line = 'loss 0.4000  accuracy 80.00 %  validation 75.00 %  500 samples/s\n'

  test('writes a line per epoch where there is no terminal', () => {
    expect(play(4)).toBe(`epoch 1/2  ${line}epoch 2/2  ${line}`)
  })

  test('says where it was stopped', () => {
    expect(play(3)).toBe(`epoch 1/2  ${line}epoch 2/2  loss 0.5000  accuracy 25.00 %  (stopped at 64 %)\n`)
  })

  test('formats numbers', () => {
    expect(formatPercent(0.9785)).toBe('97.85 %')
    expect(formatRate(873.2)).toBe('873 samples/s')
    expect(formatRate(52480)).toBe('52.5k samples/s')
    expect(formatTime(9400)).toBe('10 s')
    expect(formatTime(125000)).toBe('2:05 min')
  })
})

describe('options', () => {
  const parse = (...args: string[]) => {
    const command = digitsCommand(['adam', 'sgd'])
      .exitOverride()
      .configureOutput({ writeErr: () => {} })
    return command.parse(args, { from: 'user' }).opts()
  }

  test('reads what is given and fills in the rest', () => {
    expect(
      parse('--hidden', '256,128', '--learning-rate', '1e-2', '--no-save', '--optimizer', 'sgd'),
    ).toEqual({
      epochs: 8,
      batchSize: 64,
      hidden: [256, 128],
      optimizer: 'sgd',
      learningRate: 0.01,
      seed: 42,
      save: false,
    })
    expect(parse()).toMatchObject({ hidden: [128], optimizer: 'adam', save: 'build/digits.safetensors' })
  })

  test.each([
    [['--epochs', '0'], "'--epochs <n>' argument '0' is invalid. Expected at least 1."],
    [['--batch-size', '-3'], "'--batch-size <n>' argument '-3' is invalid. Expected a whole number."],
    [['--limit', '1.5'], "'--limit <n>' argument '1.5' is invalid. Expected a whole number."],
    [['--hidden', '128,'], "'--hidden <units>' argument '128,' is invalid. Expected a whole number."],
    [
      ['--learning-rate', '0'],
      "'--learning-rate <rate>' argument '0' is invalid. Expected a number above 0.",
    ],
    [['--optimizer', 'adma'], "argument 'adma' is invalid. Allowed choices are adam, sgd."],
    [['stray'], 'too many arguments'],
  ])('refuses %j', (args, message) => {
    expect(() => parse(...args)).toThrow(message)
  })

  test('names the classes by the folder', () => {
    expect(classNames('data/mnist')[9]).toBe('9')
    expect(classNames('data/FashionMNIST/raw')[9]).toBe('boot')
  })
})
