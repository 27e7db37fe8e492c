// Examples as they are started, in small settings: they end well, fit 80 columns, and their figures are what they promise. Needs
// `npm run build` (npm test does it).
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { hasFailed, nextState, sineAndCosine } from '../../examples/cartpole/environment.ts'
import { advantages } from '../../examples/cartpole/policy.ts'
import { readingFigures } from '../../examples/gan/digits.ts'
import { ringFigures } from '../../examples/gan/ring.ts'
import { greyPng } from '../../examples/shared/png.ts'
import { seededRandom } from '../../examples/shared/random.ts'
import { joined, type Matrix, redraw, warp } from '../../examples/siamese/kinds.ts'
import { byClass, drawRounds, shareRight } from '../../examples/siamese/one-shot.ts'
import { codeNats, pictureNats } from '../../examples/vae/figures.ts'
import { drawPlane, planeGrid, tiled } from '../../examples/vae/plane.ts'
import { canRun, PYTHON } from '../support/python.ts'

/** What an example prints. */
function runExample(name: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/example.mjs', name, ...args], {
    encoding: 'utf8',
  })
  expect([stderr, status]).toEqual(['', 0])
  expect(stdout.split('\n').filter((line) => [...line].length > 80)).toEqual([])
  return stdout
}

/** The number behind some words. */
const figure = (text: string, words: RegExp): number =>
  Number(new RegExp(`${words.source}\\s*(-?[\\d.]+)`).exec(text)?.[1])

/** The numbers of a row of a table. */
const figures = (text: string, words: RegExp): number[] =>
  (new RegExp(`${words.source}(.*)`, 'm').exec(text)?.[1].match(/-?[\d.]+/g) ?? []).map(Number)

if (!process.env.CI) console.log('examples-run: gan, vae, siamese and handover train in CI alone')

test.each(['cartpole', 'gan', 'vae', 'siamese', 'teach', 'handover'])(
  '%s --help tells its options in 80 columns',
  (name) => {
    expect(runExample(name, '--help')).toMatch(`Usage: npm run example -- ${name} [options]`)
  },
)

test('cartpole is solved', { timeout: 60_000 }, () => {
  const text = runExample('cartpole')
  expect(text).toMatch(/^solved: mean reward \d+\.\d of the last 100 of/m)
  expect(figure(text, /the likelier push made:/)).toBeGreaterThanOrEqual(195)
})

test('cartpole: a push moves cart and pole as in Gym', () => {
  // by hand: the accelerations are 9.7561 and -14.634 at rest, over 0.02 s
  const [position, speed, angle, spin] = nextState([0, 0, 0, 0], 1)
  expect([position, angle]).toEqual([0, 0])
  expect(speed).toBeCloseTo(0.19512195, 8)
  expect(spin).toBeCloseTo(-0.29268293, 8)
  expect(nextState([0, 0, 0, 0], 0).map((x) => -x || 0)).toEqual([position, speed, angle, spin])
  for (const at of [-0.3, -0.01, 0, 0.2]) {
    expect(sineAndCosine(at)[0]).toBeCloseTo(Math.sin(at), 14)
    expect(sineAndCosine(at)[1]).toBeCloseTo(Math.cos(at), 14)
  }
  const falls = [0.2, 0.21, -0.21].map((at) => hasFailed([0, 0, at, 0]))
  expect(falls).toEqual([false, true, true]) // 12 degrees are 0.2094
  expect([2.4, -2.5].map((at) => hasFailed([at, 0, 0, 0]))).toEqual([false, true])
})

test('cartpole: advantages are rewards to come, centred and scaled', () => {
  // episodes of 2 and 1 steps, discount 0.5: 1.5, 1, 1, of mean 7/6 and deviation sqrt(1/18)
  const deviation = Math.sqrt(1 / 18)
  const wanted = [1.5, 1, 1].map((value) => (value - 7 / 6) / deviation)
  for (const [i, value] of advantages([2, 1], 0.5).entries()) expect(value).toBeCloseTo(wanted[i], 12)
  expect([...advantages([1, 1], 0.5)]).toEqual([0, 0])
})

test.runIf(process.env.CI)(
  'gan draws points of the ring, of its width, all the way round',
  { timeout: 120_000 },
  () => {
    const text = runExample('gan', '--epochs', '4')
    const [radius, spread, emptiest, fullest] = figures(text, /^ {2}generated/m)
    expect(Math.abs(radius - 1)).toBeLessThan(0.05)
    expect(spread).toBeLessThan(0.1)
    expect(emptiest).toBeGreaterThan(0.5)
    expect(fullest).toBeLessThan(1.5)
  },
)

test.runIf(process.env.CI)('gan draws digits', { timeout: 120_000 }, () => {
  const text = runExample('gan', '--data', 'digits', '--epochs', '1', '--steps', '20')
  const [sure, rarest, commonest] = figures(text, /^ {2}real/m)
  expect(sure).toBeGreaterThan(60)
  expect([rarest, commonest].every((share) => share > 5 && share < 15)).toBe(true)
  expect(figures(text, /^ {2}generated/m)).toHaveLength(3)
})

test('gan: the figures of points and of readings', () => {
  const points = Float32Array.of(1, 0, 0, 2, -3, 0, 0, -2) // radii 1, 2, 3, 2, in four of twelve sectors
  const { radius, spread, emptiest, fullest } = ringFigures(points)
  expect([radius, emptiest, fullest]).toEqual([2, 0, 3])
  expect(spread).toBeCloseTo(Math.SQRT1_2, 12)
  const row = (digit: number, p: number) =>
    Array.from({ length: 10 }, (_, i) => (i === digit ? p : (1 - p) / 9))
  const rows = Float32Array.from([row(3, 0.95), row(3, 0.8), row(7, 0.99), row(1, 0.5)].flat())
  expect(readingFigures(rows)).toEqual({ sure: 0.5, rarest: 0, commonest: 0.5 })
})

test.runIf(process.env.CI)(
  'vae costs less than the linear autoencoder, and writes its plane',
  { timeout: 120_000 },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'vae-'))
    const picture = join(folder, 'plane.png')
    const text = runExample('vae', '--limit', '3000', '--epochs', '2', '--units', '64', '--picture', picture)
    const [code, pictures, sum] = figures(text, /^ {2}variational autoencoder/m)
    const [, , baseline] = figures(text, /^ {2}linear autoencoder/m)
    expect(sum).toBeCloseTo(code + pictures, 1)
    expect(sum).toBeLessThan(baseline)
    expect(code).toBeGreaterThan(1)
    const file = readFileSync(picture)
    expect([file.readUInt32BE(16), file.readUInt32BE(20)]).toEqual([560, 560])
    rmSync(folder, { recursive: true })
  },
)

test('vae: nats by hand', () => {
  // N(1, 1) from N(0, 1): 1/2; N(0, e) : (e - 2) / 2
  expect(codeNats(Float32Array.of(1, 0), Float32Array.of(0, 1), 2)).toBeCloseTo(
    (0.5 + (Math.E - 2) / 2) / 2,
    6,
  )
  const nats = pictureNats(Float32Array.of(1, 0, 0.5, 1), Float32Array.of(0.5, 0.25, 0.5, 1), 2)
  expect(nats).toBeCloseTo((2 * Math.LN2 - Math.log(0.75)) / 2, 6)
})

test('vae: the plane is drawn with its second axis up', () => {
  const [left, right] = [Float32Array.of(-2.99, 2.99), Float32Array.of(2.99, -2.99)]
  const codes = Float32Array.of(...left, ...left, ...left, ...right, 9, 9)
  const lines = drawPlane(codes, Int32Array.of(4, 5, 5, 0, 1)).split('\n')
  expect(lines).toHaveLength(26)
  expect([lines[0], lines[25]]).toEqual(['  5', `  ${' '.repeat(75)}0`])
  expect([...planeGrid(2)]).toEqual([-1.5, 1.5, 1.5, 1.5, -1.5, -1.5, 1.5, -1.5])
  // four pictures of one row and two columns
  expect([...tiled(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), 2, 1, 2)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  expect([...tiled(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), 2, 2, 1)]).toEqual([1, 3, 2, 4, 5, 7, 6, 8])
})

test('a picture as PNG: the chunks of the format', () => {
  const file = greyPng(Float32Array.of(0, 1, 0.2, 2, -1, 0.4), 3)
  expect(file.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n')
  expect(file.subarray(12, 29).toString('latin1')).toBe('IHDR\0\0\0\x03\0\0\0\x02\x08\0\0\0\0')
  const length = file.readUInt32BE(33)
  expect([...inflateSync(file.subarray(41, 41 + length))]).toEqual([0, 0, 255, 51, 0, 255, 0, 102])
  // the end is the same in every file, with its checksum
  expect(file.subarray(-12).toString('hex')).toBe('0000000049454e44ae426082')
})

test.runIf(process.env.CI).each(['358'])(
  'siamese recognizes the unseen digits %s far better than the nearest picture in pixels',
  { timeout: 240_000 },
  (unseen) => {
    const text = runExample('siamese', '--unseen', unseen)
    expect(text).toMatch(new RegExp(`pictures of ${[...unseen].join(', ')}, never seen in training`))
    expect(/halves of the digits (.*):/.exec(text)?.[1]).not.toMatch(new RegExp(`[${unseen}]`))
    const [pixels] = figures(text, /^ {2}by the nearest picture in pixels/m)
    const [network] = figures(text, /^ {2}by the network {2}/m)
    expect(pixels).toBeGreaterThan(40)
    expect(network).toBeGreaterThan(pixels + 10)
  },
)

test('siamese: halves join, pictures shift and warp', () => {
  const picture = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9) // 3 x 3
  const redrawn = (matrix: Matrix, shift: readonly [number, number]) => {
    const out = new Float32Array(9)
    redraw(picture, 3, matrix, shift, out)
    return [...out]
  }
  expect([...joined(Float32Array.of(1, 2, 3, 4), Float32Array.of(5, 6, 7, 8))]).toEqual([1, 2, 7, 8])
  const same: Matrix = [1, 0, 0, 1]
  expect(redrawn(same, [0, 0])).toEqual([...picture])
  expect(redrawn(same, [1, 0])).toEqual([0, 0, 0, 1, 2, 3, 4, 5, 6])
  expect(redrawn(same, [0, -0.5])).toEqual([1.5, 2.5, 1.5, 4.5, 5.5, 3, 7.5, 8.5, 4.5])
  // a quarter turn to the left
  expect(redrawn([0, 1, -1, 0], [0, 0])).toEqual([3, 6, 9, 2, 5, 8, 1, 4, 7])
  // twice as large: every pixel comes from half as far from the center
  expect(redrawn([0.5, 0, 0, 0.5], [0, 0])).toEqual([3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7])
  const random = seededRandom(1)
  const warps = Array.from({ length: 200 }, () => warp(random))
  for (const [entry, center] of same.entries()) {
    const entries = warps.map((matrix) => matrix[entry] - center)
    expect(Math.max(...entries.map(Math.abs))).toBeLessThanOrEqual(0.25)
    expect(Math.max(...entries)).toBeGreaterThan(0.2)
    expect(Math.min(...entries)).toBeLessThan(-0.2)
  }
})

test('siamese: rounds hold one example of each class, and the nearest one answers', () => {
  const labels = Int32Array.of(0, 1, 0, 1, 2, 1)
  const lists = byClass(labels, 3)
  expect(lists).toEqual([[0, 2], [1, 3, 5], [4]])
  const rounds = drawRounds(lists.slice(0, 2), 20, 1, seededRandom(1))
  expect(rounds).toHaveLength(20)
  for (const { examples, questions } of rounds) {
    expect([...examples, ...questions].map((sample) => labels[sample])).toEqual([0, 1, 0, 1])
    expect(new Set([...examples, ...questions]).size).toBe(4)
  }
  // in the plane: samples 2 and 3 lie at their class's example, 5 lies at that of the other
  const rows = Float32Array.of(0, 0, 9, 9, 0, 1, 9, 8, 5, 5, 1, 0)
  expect(shareRight(rows, 2, labels, [{ examples: [0, 1], questions: [2, 3, 5] }])).toBeCloseTo(2 / 3, 12)
})

test.runIf(process.env.CI && canRun(PYTHON, 'import torch'))(
  'handover: two epochs in JavaScript and one between them in PyTorch reach 98.8 % (in CI, where python3 has torch)',
  { timeout: 900_000 },
  () => {
    // larger batches than usual: fewer of PyTorch's steps, each of which takes its time
    const options = ['--batch-size', '256', '--learning-rate', '0.008']
    const text = runExample('handover', '--python', PYTHON, ...options)
    expect(text).toMatch(/^2\. PyTorch \S+, 2 processes:$/m)
    expect(figure(text, /test accuracy:/)).toBeGreaterThanOrEqual(98.8)
  },
)

test.runIf(process.env.CI)('handover says what to install where Python has no PyTorch', () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    ['scripts/example.mjs', 'handover', '--python', process.execPath],
    { encoding: 'utf8' },
  )
  expect(status).toBe(1)
  expect(stderr).toMatch(
    /^error: .* has no PyTorch: pip install torch numpy, or on Debian apt install python3-torch/,
  )
})
