// The normalization part of the case table: rows and channels that end inside a vector and behind several, one row,
// one column, more rows than a block of the sums; with and without gamma and beta, mean and epsilon. Plain data.
import { type UnaryName, unaryFunctions } from '../../src/graph/functions.ts'
import type { Shape } from '../../src/numerics/shape.ts'
import {
  type ChannelNormalizeAttributes,
  channelNormalize,
  encodeCategories,
  type LayerNormalizeAttributes,
  layerNormalize,
  scaleShift,
} from '../../src/operations/normalize.ts'
import { type CaseInput, kernelCase, of, text } from './case.ts'

/** The shape of x, gamma and beta by the flags. */
function inputsOf(shape: Shape, scale: boolean, center: boolean): CaseInput[] {
  const channels = shape.slice(-1)
  return [of(shape), ...(scale ? [of(channels)] : []), ...(center ? [of(channels)] : [])]
}
const everyOf = (inputs: readonly CaseInput[]): number[] => inputs.map((_, i) => i)
const flags = (attributes: object): string =>
  Object.entries(attributes)
    .filter(([, value]) => value !== false)
    .map(([key, value]) => (value === true ? key : `${key}=${value}`))
    .join(' ')

function layerCase(shape: Shape, given: Partial<LayerNormalizeAttributes> = {}) {
  const attributes = { epsilon: 0.01, rms: false, scale: true, center: true, ...given }
  const inputs = inputsOf(shape, attributes.scale, attributes.center)
  return kernelCase(
    layerNormalize,
    `${text(shape)} ${flags(attributes)}`,
    inputs,
    attributes,
    everyOf(inputs),
  )
}

const rms = { rms: true, center: false }
const layerCases = [
  ...[1, 3, 4, 5, 17, 33].flatMap((cols) => [layerCase([5, cols]), layerCase([3, cols], rms)]),
  layerCase([1, 7]),
  layerCase([2, 37, 6]), // 74 rows
  layerCase([37, 6], { ...rms, scale: false }),
  layerCase([4, 9], { scale: false }),
  layerCase([4, 9], { center: false }),
  layerCase([4, 9], { scale: false, center: false }),
  layerCase([4, 9], { rms: true }),
  layerCase([17, 130]), // more rows than a block of the sums
]

function channelCase(
  shape: Shape,
  given: Partial<ChannelNormalizeAttributes> = {},
  by: readonly number[] | null = null,
) {
  const whole = { samples: 1, groups: shape[shape.length - 1] }
  const attributes = { epsilon: 0.01, scale: true, center: true, ...whole, ...given }
  const inputs = inputsOf(shape, attributes.scale, attributes.center)
  return kernelCase(
    channelNormalize,
    `${text(shape)} ${flags(attributes)}`,
    inputs,
    attributes,
    by ?? everyOf(inputs),
  )
}

const channelCases = [
  // of the batch
  ...[1, 3, 4, 5, 17].map((channels) => channelCase([6, channels])),
  channelCase([2, 3]),
  channelCase([3, 5, 4, 6]), // 60 cells
  channelCase([17, 130], {}, []), // more than a block of the sums
  channelCase([7, 5], { scale: false }),
  channelCase([7, 5], { center: false }),
  channelCase([7, 5], { scale: false, center: false }),
  // of each sample
  channelCase([3, 6], { samples: 3, groups: 2 }),
  channelCase([2, 5, 6], { samples: 2, groups: 3 }),
  channelCase([2, 5, 6], { samples: 2, groups: 1, scale: false }),
  channelCase([2, 3, 3, 5], { samples: 2, groups: 5 }),
  channelCase([2, 19, 10], { samples: 2, groups: 2, center: false }),
]

const encodeCases = [
  [[3, 1], 4],
  [[5, 3], 7],
  [[2, 2, 6], 5],
].flatMap(([shape, tokens]) =>
  [false, true].map((count) =>
    kernelCase(
      encodeCategories,
      `${text(shape as Shape)} ${flags({ tokens, count })}`,
      // ids that are too large, and negative ones
      [of(shape as Shape, { classes: (tokens as number) + 2, ignored: -1 })],
      { tokens: tokens as number, count },
      [],
    ),
  ),
)

const scaleCases = [
  [[3, 5], 'linear'],
  [[2, 4, 8], 'relu'],
  [[300, 17], 'relu6'], // more rows than a block
  [[5, 1], 'silu'],
].map(([shape, fn]) => {
  const channels = (shape as Shape).slice(-1)
  const epilogue = fn === 'linear' ? null : { fn: unaryFunctions[fn as UnaryName], alpha: 0 }
  const inputs = [of(shape as Shape), of(channels), of(channels)]
  const wanted = epilogue ? [] : [0, 1, 2] // a function is taken over when gradients are written
  return kernelCase(scaleShift, `${text(shape as Shape)} ${fn}`, inputs, { epilogue }, wanted)
})

export const normalizeCases = [...layerCases, ...channelCases, ...encodeCases, ...scaleCases]
