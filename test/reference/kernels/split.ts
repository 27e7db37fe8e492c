// An array cut into equal parts along an axis, element by element.
import type { KernelReference } from './reference.ts'

const split: KernelReference<{ readonly axis: number; readonly parts: number }> = (
  { inputs: [{ shape }], attributes: { axis, parts } },
  [x],
) => {
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1)
  const size = shape[axis] / parts
  const all: number[][] = Array.from({ length: parts }, () => [])
  Array.from(x).forEach((value, at) => {
    all[Math.floor((Math.floor(at / inner) % shape[axis]) / size)].push(value)
  })
  return all.map((part) => Float64Array.from(part))
}

export const splitReferences = { split }
