// Points in the square from -6 to 6, of two classes or with a value each: made by formula with noise, or drawn. Leaves:
// training and test points as rows; the same seed gives the same points.
import { featureRows } from './features.ts'
import { EXTENT } from './grid.ts'

export interface Point {
  readonly x: number
  readonly y: number
  /** A class, 1 for blue and 0 for orange, or in a regression a value from -1 (orange) to 1 (blue). */
  readonly label: number
}

export interface Rows {
  /** [n, features] */
  readonly x: { readonly shape: [number, number]; readonly data: Float32Array }
  /** [n, 1], the labels */
  readonly y: { readonly shape: [number, number]; readonly data: Float32Array }
}

export const setNames = {
  circles: 'Circles',
  xor: 'Xor',
  spirals: 'Spirals',
  gaussians: 'Gaussians',
  moons: 'Moons',
  plane: 'Plane',
  hills: 'Hills',
  own: 'Your own',
} as const
export type SetName = keyof typeof setNames
/** Sets whose points have values: the network learns to say a number, not a class. */
export const isRegression = (name: string): boolean => name === 'plane' || name === 'hills'

const COUNT = 400
/** Points a link holds at most. */
export const MOST_POINTS = 600

/** Numbers from 0 up to 1 (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Gaussian with deviation 1 (Box and Muller). */
const normal = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())

type Place = readonly [x: number, y: number]
type Maker = (i: number, label: 0 | 1, random: () => number) => Place
const turn = (radius: number, angle: number): Place => [radius * Math.sin(angle), radius * Math.cos(angle)]
const anywhere: Maker = (_, __, random) => [EXTENT * (2 * random() - 1), EXTENT * (2 * random() - 1)]

const makers: Readonly<Record<Exclude<SetName, 'own'>, Maker>> = {
  circles: (_, label, random) =>
    turn(label ? 2.4 * Math.sqrt(random()) : 3.6 + 1.4 * random(), 2 * Math.PI * random()),
  xor: (_, label, random) => {
    const x = 0.3 + 4.7 * random()
    const y = 0.3 + 4.7 * random()
    const side = random() < 0.5 ? 1 : -1
    return [side * x, (label ? side : -side) * y]
  },
  spirals: (i, label) => {
    const share = i / COUNT
    return turn(0.2 + 5 * share, 1.75 * 2 * Math.PI * share + (label ? 0 : Math.PI))
  },
  gaussians: (_, label, random) => {
    const at = label ? 2.2 : -2.2
    return [at + 0.8 * normal(random), at + 0.8 * normal(random)]
  },
  moons: (_, label, random) => {
    const [x, y] = turn(3.3, Math.PI * (random() - 0.5))
    return label ? [x - 1.6, y - 1.2] : [x + 1.6, 1.2 - y]
  },
  plane: anywhere,
  hills: anywhere,
}

const hill = (x: number, y: number, at: Place): number => Math.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / 5)
/** The values of a regression: what the network is to find out from the points. */
const values: Readonly<Record<string, (x: number, y: number) => number>> = {
  plane: (x, y) => (x + y) / (2 * EXTENT),
  hills: (x, y) => hill(x, y, [-3, 3]) + hill(x, y, [3, -2.5]) - hill(x, y, [3, 3]) - hill(x, y, [-2.5, -3]),
}

/** `noise` from 0 to 50: the deviation added to both coordinates, in hundredths of the square's half side. */
export function makePoints(name: SetName, noise: number, seed: number): Point[] {
  if (name === 'own') return []
  const random = randomNumbers(seed * 7919 + name.length)
  const deviation = (noise / 100) * EXTENT * 0.5
  return Array.from({ length: COUNT }, (_, i) => {
    const side = (i % 2) as 0 | 1
    const [x, y] = makers[name](i, side, random)
    const label = values[name]?.(x, y) ?? side
    return { x: x + deviation * normal(random), y: y + deviation * normal(random), label }
  })
}

/** Training and test points, by a point's number alone: one more changes nothing for those before it. */
export function split(points: readonly Point[], share: number): [train: Point[], test: Point[]] {
  // multiples of the golden ratio, modulo 1, are spread evenly wherever they end; the first is 0: a training point
  const isTraining = (_: Point, i: number) => (i * 0.6180339887) % 1 < share
  return [points.filter(isTraining), points.filter((point, i) => !isTraining(point, i))]
}

export function shuffle<T>(list: T[], random: () => number): void {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[list[i], list[j]] = [list[j], list[i]]
  }
}

export const rowsOf = (points: readonly Point[], featureNames: readonly string[]): Rows => ({
  x: featureRows(points, featureNames),
  y: { shape: [points.length, 1], data: Float32Array.from(points, ({ label }) => label) },
})

/** Drawn points, of two classes, as text for a link: five letters a point, coordinates in steps of a 2047th of the square. */
export function encodePoints(points: readonly Point[]): string {
  const step = (value: number) => Math.round(((value + EXTENT) / (2 * EXTENT)) * 2047)
  return points
    .map(({ x, y, label }) => ((step(x) * 2048 + step(y)) * 2 + label).toString(36).padStart(5, '0'))
    .join('')
}

/** The first points of a text, at most MOST_POINTS. */
export function decodePoints(text: string): Point[] {
  const place = (step: number) => (step / 2047) * 2 * EXTENT - EXTENT
  return (text.match(/[0-9a-z]{5}/g) ?? []).slice(0, MOST_POINTS).map((word) => {
    const number = Number.parseInt(word, 36)
    const steps = Math.floor(number / 2)
    return {
      x: place(Math.floor(steps / 2048) & 2047),
      y: place(steps % 2048),
      label: number % 2,
    }
  })
}
