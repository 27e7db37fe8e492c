// Convolutions and pooling. They take values with the channels stored last and leave them so.
import { conv1d, conv2d, conv2dTranspose, conv3d } from '../../layers/convolution.ts'
import {
  averagePooling1d,
  averagePooling2d,
  averagePooling3d,
  globalAveragePooling1d,
  globalAveragePooling2d,
  globalAveragePooling3d,
  globalMaxPooling1d,
  globalMaxPooling2d,
  globalMaxPooling3d,
  maxPooling1d,
  maxPooling2d,
  maxPooling3d,
} from '../../layers/pooling.ts'
import { depthwiseConv2d } from '../../layers/separable.ts'
import { fail } from '../../numerics/errors.ts'
import { type Constant, elements, permuted, reshaped } from './arrays.ts'
import { BATCH, type Flow, type Given, isWeight } from './flows.ts'
import { binary, reduceAxes, valued, type Write } from './functions.ts'
import type { Operator } from './read.ts'
import type { Tape } from './tape.ts'

type Pair = readonly [before: number, after: number]

/** The axes with the channels last: [0, 2, ..., 1]. */
const channelsLast = (rank: number): number[] => [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1]

/** The windows of an operator over an input of `sizes`. */
interface Windows {
  readonly kernel: readonly number[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  readonly padding: readonly Pair[]
  /** The number of windows of each axis. */
  readonly counts: readonly number[]
}

const listOf = (node: Operator, name: string, axes: number, byDefault: number): readonly number[] => {
  const list = node.ints(name)
  if (!list || list.length === 0) return new Array(axes).fill(byDefault)
  if (list.length !== axes || list.some((n) => !(n >= (name === 'pads' ? 0 : 1))))
    fail(`its ${name} are [${list}]`)
  return list
}

function windowsOf(node: Operator, sizes: readonly number[], kernel: readonly number[]): Windows {
  const axes = sizes.length
  if (kernel.length !== axes) fail(`a kernel of ${kernel.length} axes on ${axes}`)
  const strides = listOf(node, 'strides', axes, 1)
  const dilations = listOf(node, 'dilations', axes, 1)
  const auto = node.text('auto_pad', 'NOTSET')
  const pads =
    auto === 'NOTSET' && node.ints('pads')?.length
      ? (node.ints('pads') as number[])
      : new Array(2 * axes).fill(0)
  if (pads.length !== 2 * axes || pads.some((n) => !(n >= 0))) fail(`its pads are [${pads}]`)
  const padding = sizes.map((size, i): Pair => {
    const span = (kernel[i] - 1) * dilations[i] + 1
    if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
      const all = Math.max((Math.ceil(size / strides[i]) - 1) * strides[i] + span - size, 0)
      const less = Math.floor(all / 2)
      return auto === 'SAME_UPPER' ? [less, all - less] : [all - less, less]
    }
    const [before, after] = [pads[i], pads[i + axes]]
    const rest = (before + size + after - span) % strides[i]
    // a last window that isn't whole, unless it begins in the padding
    const isMore = node.int('ceil_mode') === 1 && rest > 0
    const count = Math.floor((before + size + after - span) / strides[i]) + 1
    return [before, after + (isMore && count * strides[i] < size + before ? strides[i] - rest : 0)]
  })
  const counts = sizes.map((size, i) => {
    const span = (kernel[i] - 1) * dilations[i] + 1
    const padded = padding[i][0] + size + padding[i][1]
    if (padded < span) fail(`a window of ${span} cells on an axis of ${padded}`)
    return Math.floor((padded - span) / strides[i]) + 1
  })
  return { kernel, strides, dilations, padding, counts }
}

/** The value with its channels stored last; the axis in front is that of samples, or what a layer takes for it. */
function imageOf(
  t: Tape,
  given: Given | null,
): { x: Flow; image: number; order: number[]; sizes: readonly number[] } {
  const x = valued(t, given)
  const rank = x.shape.length
  if (rank < 3 || rank > 5) fail(`an input of ${rank} axes; 3 to 5 are taken`)
  for (const n of x.shape.slice(1)) t.checkFixed(n)
  const order = channelsLast(rank)
  return { x, image: t.ordered(x, order), order, sizes: x.shape.slice(2) }
}

/** 'valid' or 'same', if these make the same windows; null: neither. */
function namedPadding(
  { kernel, strides, dilations, padding, counts }: Windows,
  sizes: readonly number[],
): 'valid' | 'same' | null {
  const spans = kernel.map((n, i) => (n - 1) * dilations[i] + 1)
  const isValid = sizes.every(
    (size, i) => padding[i][0] === 0 && counts[i] === Math.floor((size - spans[i]) / strides[i]) + 1,
  )
  if (isValid) return 'valid'
  const isSame = sizes.every((size, i) => {
    const all = Math.max((Math.ceil(size / strides[i]) - 1) * strides[i] + spans[i] - size, 0)
    return padding[i][0] === Math.floor(all / 2) && counts[i] === Math.ceil(size / strides[i])
  })
  return isSame ? 'same' : null
}

const CONVS = [conv1d, conv2d, conv3d] as const

/** Whether a value can be the input of a layer. */
const isBatch = (t: Tape, stored: number): boolean => !t.each && t.shapeOf(stored)[0] % BATCH === 0

/** A convolution with the kernel w [F, C / groups, ...] of the file. */
function convolution(
  t: Tape,
  image: number,
  w: Given,
  bias: Given | null,
  windows: Windows,
  groups: number,
): number {
  const { strides, dilations, padding, counts } = windows
  const axes = counts.length
  const [filters, deep] = w.shape
  const channels = t.shapeOf(image)[axes + 1]
  if (deep * groups !== channels || filters % groups !== 0)
    fail(`a kernel [${w.shape}] in ${groups} groups on ${channels} channels`)
  const last = [...Array.from({ length: axes }, (_, i) => i + 2), 1, 0]
  const isOwn = w.isConstant && isWeight(w) && (!bias || bias.isConstant) && isBatch(t, image)
  const shape = [t.shapeOf(image)[0], ...counts, filters]
  if (!isOwn) {
    const kernel = w.isConstant ? valued(t, permuted(w, last)).stored : t.ordered(w, last)
    const y = t.conv(image, kernel, counts, { strides, dilations, padding, groups })
    return bias ? t.binary('add', y, valued(t, bias).stored) : y
  }
  const isDepthwise = axes === 2 && groups === channels && groups > 1
  const options = {
    kernelSize: windows.kernel,
    strides,
    padding: namedPadding(windows, t.shapeOf(image).slice(1, -1)) ?? padding,
    dilationRate: dilations,
    useBias: bias !== null,
  }
  const key = `conv ${t.keyOf(w)} ${bias ? t.keyOf(bias as Constant) : ''} ${JSON.stringify(options)} ${groups}`
  const biases: Record<string, ArrayLike<number>> = bias ? { bias: elements(bias as Constant) } : {}
  if (isDepthwise) {
    // [C m, 1, kh, kw] to [kh, kw, C, m]
    const own = reshaped(w, [channels, filters / channels, ...windows.kernel])
    const kernel = elements(permuted(own, [2, 3, 0, 1]))
    const depthMultiplier = filters / channels
    return t.layer((name) => depthwiseConv2d({ ...name, ...options, depthMultiplier }), [image], [shape], {
      weights: { kernel, ...biases },
      key,
      of: w.weight,
    })[0]
  }
  const weights = { kernel: elements(permuted(w, last)), ...biases }
  return t.layer((name) => CONVS[axes - 1]({ ...name, ...options, filters, groups }), [image], [shape], {
    weights,
    key,
    of: w.weight,
  })[0]
}

const kernelOf = (node: Operator, w: Given): readonly number[] => {
  const given = node.ints('kernel_shape')
  const kernel = w.shape.slice(2)
  if (given?.length && String(given) !== String(kernel))
    fail(`kernel_shape [${given}] of a kernel [${w.shape}]`)
  return kernel
}

const conv: Write = (t, node, [given, w, bias = null]) => {
  const { x, image, order, sizes } = imageOf(t, given)
  if (!w) return fail('it has no kernel')
  const windows = windowsOf(node, sizes, kernelOf(node, w))
  const y = convolution(t, image, w, bias, windows, node.int('group', 1))
  return [t.flow([x.shape[0], w.shape[0], ...windows.counts], y, order)]
}

/** A transposed convolution: one of conv2dTranspose, whose edges are cut; or one with zeros between the cells of x. */
const convTranspose: Write = (t, node, [given, w, bias = null]) => {
  const { x, image, order, sizes } = imageOf(t, given)
  if (!w) return fail('it has no kernel')
  const kernel = kernelOf(node, w)
  const axes = sizes.length
  const groups = node.int('group', 1)
  const strides = listOf(node, 'strides', axes, 1)
  const dilations = listOf(node, 'dilations', axes, 1)
  const more = node.ints('output_padding')?.length
    ? (node.ints('output_padding') as number[])
    : new Array(axes).fill(0)
  const spans = kernel.map((n, i) => (n - 1) * dilations[i] + 1)
  const auto = node.text('auto_pad', 'NOTSET')
  const wanted = node.ints('output_shape')?.slice(-axes)
  const pads = node.ints('pads')?.length ? (node.ints('pads') as number[]) : new Array(2 * axes).fill(0)
  const whole = sizes.map((size, i) => (size - 1) * strides[i] + spans[i])
  const cuts = sizes.map((size, i): Pair => {
    const target = wanted?.length ? wanted[i] : auto.startsWith('SAME') ? size * strides[i] : null
    if (target === null) return [pads[i], pads[i + axes] - more[i]]
    const all = whole[i] + more[i] - target
    const [less, rest] = [Math.floor(all / 2), all - Math.floor(all / 2)]
    return auto === 'SAME_UPPER' ? [less, rest - more[i]] : [rest, less - more[i]]
  })
  const counts = whole.map((n, i) => n - cuts[i][0] - cuts[i][1])
  const [channels, deep] = w.shape
  const filters = deep * groups
  const isOwn = w.isConstant && isWeight(w) && (!bias || bias.isConstant) && isBatch(t, image)
  const isCut = cuts.every(([before, after], i) => before >= 0 && after >= 0 && spans[i] >= strides[i])
  let y: number
  if (isOwn && axes === 2 && groups === 1 && isCut) {
    const options = { filters, kernelSize: kernel, strides, dilationRate: dilations, useBias: bias !== null }
    const weights = {
      kernel: elements(permuted(w, [2, 3, 1, 0])),
      ...(bias && { bias: elements(bias as Constant) }),
    }
    ;[y] = t.layer(
      (name) => conv2dTranspose({ ...name, ...options }),
      [image],
      [[x.shape[0], ...whole, filters]],
      {
        weights,
        key: `convTranspose ${t.keyOf(w)} ${bias ? t.keyOf(bias as Constant) : ''} ${JSON.stringify(options)}`,
        of: w.weight,
      },
    )
    cuts.forEach(([before], i) => {
      y = t.slice(y, i + 1, before, counts[i])
    })
  } else {
    if (channels !== t.shapeOf(image)[axes + 1])
      fail(`a kernel [${w.shape}] on ${t.shapeOf(image)[axes + 1]} channels`)
    y = image
    sizes.forEach((size, i) => {
      if (strides[i] === 1) return
      const shape = t.shapeOf(y)
      const [front, back] = [shape.slice(0, i + 1), shape.slice(i + 2)]
      y = t.pad(t.reshape(y, [...front, size, 1, ...back]), i + 2, 0, strides[i] - 1)
      y = t.slice(t.reshape(y, [...front, size * strides[i], ...back]), i + 1, 0, (size - 1) * strides[i] + 1)
    })
    cuts.forEach(([before, after], i) => {
      const [first, last] = [spans[i] - 1 - before, spans[i] - 1 - after]
      y = t.pad(y, i + 1, Math.max(first, 0), Math.max(last, 0))
      const cut = Math.max(-first, 0)
      y = t.slice(y, i + 1, cut, t.shapeOf(y)[i + 1] - cut - Math.max(-last, 0))
    })
    // [C, F / g, ...] to [..., C / g, F], turned around
    const own = valued(t, w)
    let turned = own.stored
    own.order.forEach((axis, at) => {
      if (axis > 1 && own.shape[axis] > 1) turned = t.reverse(turned, at)
    })
    const front = t.ordered(
      { ...own, stored: turned },
      w.shape.map((_, i) => i),
    )
    const split = t.reshape(front, [groups, channels / groups, deep, ...kernel])
    const moved = t.permute(split, [...kernel.map((_, i) => i + 3), 1, 0, 2])
    const strided = {
      strides: kernel.map(() => 1),
      dilations,
      padding: kernel.map((): Pair => [0, 0]),
      groups,
    }
    y = t.conv(y, t.reshape(moved, [...kernel, channels / groups, filters]), counts, strided)
    if (bias) y = t.binary('add', y, valued(t, bias).stored)
  }
  return [t.flow([x.shape[0], filters, ...counts], y, order)]
}

// ---- pooling --------------------------------------------------------------------------------------

const MAX = [maxPooling1d, maxPooling2d, maxPooling3d] as const
const AVERAGE = [averagePooling1d, averagePooling2d, averagePooling3d] as const

/** The largest of each window whose cells lie apart, axis by axis, as the maximum of parts of the image. */
function dilatedMax(
  t: Tape,
  image: number,
  { kernel, strides, dilations, padding, counts }: Windows,
): number {
  const lowest = t.scalar(-3.4028234663852886e38)
  return kernel.reduce((x, size, i) => {
    if (size > 512) fail('a window of more than 512 cells, which lie apart')
    const at = i + 1
    const sized = (value: number, n: number) => t.shapeOf(value).map((m, axis) => (axis === at ? n : m))
    const cells = (n: number) => (n === 0 ? [] : [t.expand(lowest, sized(x, n))])
    // one stride more, so that rows of strides are whole
    const around = t.concatenate([...cells(padding[i][0]), x, ...cells(padding[i][1] + strides[i] - 1)], at)
    const taps = Array.from({ length: size }, (_, k) => {
      const part = t.slice(around, at, k * dilations[i], counts[i] * strides[i])
      const shape = t.shapeOf(part)
      const rows = t.reshape(part, [...shape.slice(0, at), counts[i], strides[i], ...shape.slice(at + 1)])
      return t.reshape(t.slice(rows, at + 1, 0, 1), sized(part, counts[i]))
    })
    return taps.reduce((most, part) => t.binary('maximum', most, part))
  }, image)
}

const pooling =
  (fn: 'maxPool' | 'averagePool'): Write =>
  (t, node, [given]) => {
    if (node.outputs[1]) fail('its second output, the indices')
    const { x, image, order, sizes } = imageOf(t, given)
    let windows = windowsOf(node, sizes, node.ints('kernel_shape') ?? [])
    const { kernel, strides, padding, counts } = windows
    const out = (y: number) => [t.flow([x.shape[0], x.shape[1], ...counts], y, order)]
    if (windows.dilations.some((n) => n > 1)) {
      if (fn === 'averagePool') fail('means of windows whose cells lie apart')
      return out(dilatedMax(t, image, windows))
    }
    let from = image
    if (fn === 'averagePool' && node.int('count_include_pad') === 1 && padding.some(([a, b]) => a + b > 0)) {
      if (node.int('ceil_mode') === 1) fail('count_include_pad with ceil_mode')
      padding.forEach(([before, after], i) => {
        from = t.pad(from, i + 1, before, after)
      })
      windows = { ...windows, padding: padding.map((): Pair => [0, 0]) }
    }
    const padded = namedPadding(windows, t.shapeOf(from).slice(1, -1)) ?? windows.padding
    if (isBatch(t, from)) {
      const make = (fn === 'maxPool' ? MAX : AVERAGE)[sizes.length - 1]
      const options = { poolSize: kernel, strides, padding: padded }
      return out(
        t.layer((name) => make({ ...name, ...options }), [from], [[x.shape[0], ...counts, x.shape[1]]])[0],
      )
    }
    return out(t.pool(fn, from, counts, { poolSize: kernel, strides, padding: windows.padding }))
  }

const GLOBAL = {
  max: [globalMaxPooling1d, globalMaxPooling2d, globalMaxPooling3d],
  mean: [globalAveragePooling1d, globalAveragePooling2d, globalAveragePooling3d],
} as const

const globalPooling =
  (fn: 'max' | 'mean'): Write =>
  (t, _, [given]) => {
    const { x, image, order, sizes } = imageOf(t, given)
    const axes = sizes.map((_, i) => i + 2)
    if (!isBatch(t, image)) return [reduceAxes(t, fn, x, axes)]
    const shape = [x.shape[0], ...sizes.map(() => 1), x.shape[1]]
    const make = GLOBAL[fn][sizes.length - 1]
    const [y] = t.layer((name) => make({ ...name, keepDims: true }), [image], [shape])
    return [t.flow([x.shape[0], x.shape[1], ...sizes.map(() => 1)], y, order)]
  }

/** x / (bias + alpha / size * sum of the squares of `size` channels) ^ beta, for the powers that there are operations for. */
const localResponse: Write = (t, node, [given]) => {
  const x = valued(t, given)
  const [size, beta] = [node.int('size', 1), node.float('beta', 0.75)]
  if (![0.5, 0.75, 1].includes(beta)) fail(`LRN with beta ${beta}; 0.5, 0.75 and 1 are taken`)
  if (!(size >= 1 && size <= 64)) fail(`LRN over ${size} channels; up to 64 are taken`)
  const squares = { ...x, stored: t.unary(x.stored, 'square') }
  const channels = x.shape[1]
  const at = squares.order.indexOf(1)
  const before = Math.floor((size - 1) / 2)
  const around = t.pad(squares.stored, at, before, size - 1 - before)
  let sum = t.slice(around, at, 0, channels)
  for (let i = 1; i < size; i++) sum = t.binary('add', sum, t.slice(around, at, i, channels))
  const scaled = t.binary('multiply', sum, t.scalar(node.float('alpha', 0.0001) / size))
  const base = t.binary('add', scaled, t.scalar(node.float('bias', 1)))
  const root = t.unary(base, 'sqrt')
  const power = beta === 1 ? base : beta === 0.5 ? root : t.binary('multiply', root, t.unary(root, 'sqrt'))
  return [binary(t, 'divide', x, t.flow(x.shape, power, x.order))]
}

export const windows: Readonly<Record<string, Write>> = {
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: pooling('maxPool'),
  AveragePool: pooling('averagePool'),
  GlobalAveragePool: globalPooling('mean'),
  GlobalMaxPool: globalPooling('max'),
  LRN: localResponse,
}
