// Random numbers in float64, from the TypeScript Threefry.
import * as abi from '../../../assembly/abi.ts'
import { threefry } from '../../../src/numerics/random.ts'
import type { DrawAttributes, RandomAttributes } from '../../../src/operations/random.ts'
import type { KernelReference } from './reference.ts'

/** The normal quantile by bisection on the distribution function, itself by Simpson's rule: slow and plain. */
function quantile(p: number): number {
  const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)
  const below = (x: number) => {
    const steps = 400
    const h = x / steps
    let sum = density(0) + density(x)
    for (let i = 1; i < steps; i++) sum += density(i * h) * (i % 2 === 1 ? 4 : 2)
    return 0.5 + (sum * h) / 3
  }
  let [low, high] = [-7, 7]
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (below(middle) < p) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** The first run of an arena: counter 0. */
function drawn(count: number, { kind, param, seed, stream }: DrawAttributes): Float64Array {
  const words = new Uint32Array(2)
  threefry(seed, Math.floor(seed / 2 ** 32), 0, stream, words)
  const [key0, key1] = words
  return Float64Array.from({ length: count }, (_, i) => {
    threefry(key0, key1, i >>> 1, 0, words)
    const u = (words[i & 1] >>> 8) / 2 ** 24
    if (kind === abi.RANDOM_UNIFORM) return u
    if (kind === abi.RANDOM_BERNOULLI) return u >= Math.fround(param) ? 1 / (1 - Math.fround(param)) : 0
    return param * quantile(u + 2 ** -25)
  })
}

const random: KernelReference<RandomAttributes> = ({ output, attributes }) => [
  drawn(
    output.shape.reduce((a, b) => a * b, 1),
    attributes,
  ),
]

const dropout: KernelReference<DrawAttributes> = ({ attributes }, [x]) => [
  drawn(x.length, attributes).map(
    (noise, i) => x[i] * (attributes.kind === abi.RANDOM_NORMAL ? 1 + noise : noise),
  ),
]

export const randomReferences = { dropout, random }
