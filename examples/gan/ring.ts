// Points on a ring: the smallest task of a generative adversarial net, whose answer anybody can check.
//
// In:  random numbers. Out: points [n, 2] of radius 1, each moved outwards or inwards by about `SPREAD`, the networks that learn
//      to draw such points, and the figures that tell whether they do.

import { dense, sequential } from 'lanegrad'
import type { Random } from '../shared/random.ts'
import { drawRow } from '../shared/report.ts'
import { grouped, print } from '../shared/run.ts'
import type { Task } from './task.ts'

/** The standard deviation of the radius. */
const SPREAD = 0.05
const SECTORS = 12
const NOISE_SIZE = 2

/** Draws one point: a direction by rejection, so that + - * / sqrt suffice, and a radius of nearly normal distribution. */
function pointOnRing(random: Random): [x: number, y: number] {
  const coordinate = () => 2 * random() - 1
  for (;;) {
    const [x, y] = [coordinate(), coordinate()]
    const square = x * x + y * y
    if (square > 1 || square < 0.01) continue
    let normal = -6 // twelve uniform numbers less their mean: of variance 1
    for (let i = 0; i < 12; i++) normal += random()
    const scale = (1 + SPREAD * normal) / Math.sqrt(square)
    return [x * scale, y * scale]
  }
}

/** Mean and standard deviation of the radius of points [n, 2], and their shares of the emptiest and the fullest sector. */
export function ringFigures(points: Float32Array) {
  const count = points.length / 2
  const shares = new Array<number>(SECTORS).fill(0)
  const radii = Array.from({ length: count }, (_, i) => {
    const [x, y] = points.subarray(2 * i, 2 * i + 2)
    const turn = Math.atan2(y, x) / (2 * Math.PI) + 0.5
    shares[Math.min(Math.floor(turn * SECTORS), SECTORS - 1)] += SECTORS / count // 1: as many as in the mean sector
    return Math.sqrt(x * x + y * y)
  })
  const radius = radii.reduce((sum, r) => sum + r, 0) / count
  const square = radii.reduce((sum, r) => sum + (r - radius) * (r - radius), 0) / count
  return { radius, spread: Math.sqrt(square), emptiest: Math.min(...shares), fullest: Math.max(...shares) }
}

const PIXELS = 52
const REACH = 1.5

/** A picture of points: brighter where more of them are. */
function picture(points: Float32Array): Float32Array {
  const pixels = new Float32Array(PIXELS * PIXELS)
  for (let i = 0; i < points.length; i += 2) {
    const [column, row] = [points[i], -points[i + 1]].map((at) => Math.floor((at / REACH + 1) * (PIXELS / 2)))
    const isSeen = Math.min(column, row) >= 0 && Math.max(column, row) < PIXELS
    if (isSeen) pixels[row * PIXELS + column] = 1
  }
  return pixels
}

const DRAWN = 1000
const TESTED = 10_000

export function ringTask(seed: number): Task {
  const hidden = (activation: 'relu' | 'leakyRelu') => [1, 2].map(() => dense({ units: 64, activation }))
  return {
    title: 'points on a ring',
    noiseSize: NOISE_SIZE,
    generator: sequential({
      inputShape: [NOISE_SIZE],
      layers: [...hidden('relu'), dense({ units: 2 })],
      name: 'generator',
      seed,
    }),
    critic: sequential({
      inputShape: [2],
      layers: [...hidden('leakyRelu'), dense({ units: 1 })],
      name: 'critic',
      seed,
    }),
    learningRate: 0.001,
    batchSize: 128,
    epochs: 8,
    steps: 1000,
    fill(rows, random) {
      for (let i = 0; i < rows.length; i += 2) rows.set(pointOnRing(random), i)
    },
    async report({ random, make, untrained }) {
      const real = new Float32Array(2 * TESTED)
      this.fill(real, random)
      const drawn = make(TESTED)
      const pictures = [real, untrained, drawn].map((points) => picture(points.subarray(0, 2 * DRAWN)))
      print(`\nreal${' '.repeat(23)}before training${' '.repeat(12)}after it\n`)
      const data = Float32Array.from(pictures.flatMap((pixels) => [...pixels]))
      print(drawRow({ data, rowCount: PIXELS, columnCount: PIXELS }, pictures.length))
      print(`\n${grouped(TESTED)} points: mean and spread of the radius, points in the emptiest and the`)
      print(`fullest of ${SECTORS} sectors, where 1 is an equal share\n`)
      for (const [name, points] of Object.entries({ real, generated: drawn })) {
        const { radius, spread, emptiest, fullest } = ringFigures(points)
        const numbers = [radius.toFixed(3), spread.toFixed(3), emptiest.toFixed(2), fullest.toFixed(2)]
        print(`  ${name.padEnd(12)}${numbers.map((text) => text.padStart(8)).join('')}`)
      }
    },
  }
}
