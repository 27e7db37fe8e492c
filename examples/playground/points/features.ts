// What the network is told of a point: its coordinates, or what can be computed from them. Squares and the product are
// divided by 6, so that all features of the square from -6 to 6 are of one size.
import { EXTENT } from './grid.ts'

interface Feature {
  readonly text: string
  readonly of: (x: number, y: number) => number
}

/** By the names that links use. */
export const features: Readonly<Record<string, Feature>> = {
  x: { text: 'x1', of: (x) => x },
  y: { text: 'x2', of: (_, y) => y },
  xx: { text: 'x1²', of: (x) => (x * x) / EXTENT },
  yy: { text: 'x2²', of: (_, y) => (y * y) / EXTENT },
  xy: { text: 'x1·x2', of: (x, y) => (x * y) / EXTENT },
  sinx: { text: 'sin x1', of: (x) => Math.sin(x) },
  siny: { text: 'sin x2', of: (_, y) => Math.sin(y) },
}
export const featureNames = Object.keys(features)

/** Every choice of at least one feature, as a link says it: `x-y`. */
export const choices: readonly string[] = Array.from({ length: 2 ** featureNames.length - 1 }, (_, i) =>
  featureNames.filter((_, bit) => ((i + 1) >> bit) & 1).join('-'),
)

/** Rows [n, features] of points. */
export function featureRows(
  points: readonly { readonly x: number; readonly y: number }[],
  names: readonly string[],
): { shape: [number, number]; data: Float32Array<ArrayBuffer> } {
  const chosen = names.map((name) => features[name].of)
  const data = new Float32Array(points.length * chosen.length)
  let at = 0
  for (const { x, y } of points) for (const of of chosen) data[at++] = of(x, y)
  return { shape: [points.length, chosen.length], data }
}
