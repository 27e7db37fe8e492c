// Layers that make other cells of those between the batch and the channels (the last axis): they repeat or interpolate cells, or
// cut the middle out of an image.
import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import type { GraphWriter } from '../graph/writer.ts'
import { BOOLEAN, oneOf, POSITIVE_INTEGER } from '../numerics/errors.ts'
import type { Shape } from '../numerics/shape.ts'
import { floats } from '../operations/convert.ts'
import { type ResizeAttributes, resize } from '../operations/pooling.ts'
import { type Layer, type LayerKind, type LayerOptions, makeLayer, readLayer } from './layer.ts'
import { sizeReader, spatialInput } from './options.ts'

/** x with its axes behind the batch of these sizes, one after another from the last on. */
const resized = (
  g: GraphWriter,
  x: Value,
  sizes: Shape,
  how: Pick<ResizeAttributes, 'linear' | 'grid'>,
): Value =>
  sizes.reduceRight(
    (y, size, i) => (size === y.shape[i + 1] ? y : g.add(resize, [y], { axis: i + 1, size, ...how })[0]),
    x,
  )

/** The middle of images, of these sizes; the odd cell is cut off behind. */
const cropped = (g: GraphWriter, x: Value, sizes: Shape): Value =>
  sizes.reduce((y, size, i) => ops.slice(g, y, i + 1, Math.floor((y.shape[i + 1] - size) / 2), size), x)

/** The sizes of the largest part of images that is as wide, for its height, as an image of height x width. */
const ofRatio = ({ shape: [, h, w] }: Value, height: number, width: number): Shape => [
  Math.max(1, Math.min(h, Math.floor((w * height) / width))),
  Math.max(1, Math.min(w, Math.floor((h * width) / height))),
]

/** Options of `upSampling1d`. */
export interface UpSampling1dOptions extends LayerOptions {
  /** Factor by which the number of cells grows, for each axis or for all. Default 2. */
  readonly size?: number | readonly number[]
}

/** Options of `upSampling2d`. */
export interface UpSampling2dOptions extends UpSampling1dOptions {
  /** 'nearest' (default) repeats cells; 'bilinear' interpolates between their centers and repeats the outermost ones. */
  readonly interpolation?: 'nearest' | 'bilinear'
  /**
   * true (default): the edges of both images meet, as in Keras and PyTorch; false: the centers of their first cells do, as in
   * TensorFlow.js. 'nearest' gives the same either way.
   */
  readonly halfPixel?: boolean
}

/** Options of `upSampling3d`. */
export interface UpSampling3dOptions extends UpSampling1dOptions {
  /** 'nearest' (default) repeats cells; 'trilinear' interpolates between their centers and repeats the outermost ones. */
  readonly interpolation?: 'nearest' | 'trilinear'
  /** As in `upSampling2d`. Default true. */
  readonly halfPixel?: boolean
}

type Interpolation = 'nearest' | 'bilinear' | 'trilinear'

interface UpSamplingConfig {
  readonly size: readonly number[]
  readonly interpolation?: Interpolation
  readonly halfPixel?: boolean
}

function upSamplingKind(kind: string, axes: number, linear: Interpolation): LayerKind<UpSamplingConfig> {
  return {
    kind,
    read(options) {
      const size = [sizeReader(axes), 2] as const
      if (axes === 1) return readLayer(kind, options, { size })
      const interpolation = [oneOf('nearest', linear), 'nearest'] as const
      return readLayer(kind, options, { size, interpolation, halfPixel: [BOOLEAN, true] })
    },
    build({ g }, inputs, { size, interpolation, halfPixel = true }) {
      const x = spatialInput(inputs, axes)
      const sizes = size.map((factor, i) => factor * x.shape[i + 1])
      const isLinear = interpolation !== undefined && interpolation !== 'nearest'
      return resized(g, x, sizes, { linear: isLinear, grid: halfPixel ? 'halfPixel' : 'start' })
    },
  }
}

export const upSampling1dKind = /*#__PURE__*/ upSamplingKind('upSampling1d', 1, 'nearest')
export const upSampling2dKind = /*#__PURE__*/ upSamplingKind('upSampling2d', 2, 'bilinear')
export const upSampling3dKind = /*#__PURE__*/ upSamplingKind('upSampling3d', 3, 'trilinear')

/**
 * Repeats steps: [batch, steps, channels] to [batch, steps * size, channels].
 * @throws LanegradError for a size that isn't a positive integer, or an input of another rank
 * @example
 * ```js
 * import { sequential, upSampling1d } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2, 1], layers: [upSampling1d({ size: 3 })] })
 * console.log(model.predict([[[1], [2]]]).data.join(' ')) // 1 1 1 2 2 2
 * ```
 */
export const upSampling1d = (options: UpSampling1dOptions = {}): Layer => makeLayer(upSampling1dKind, options)
/**
 * Enlarges images: [batch, height, width, channels] to [batch, height * size[0], width * size[1], channels].
 * @throws LanegradError on an unknown or bad option, or an input of another rank
 * @example
 * ```js
 * import { sequential, upSampling2d } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [4, 4, 1], layers: [upSampling2d({ size: 2 })] })
 * console.log(model.predict(new Float32Array(16)).shape) // [ 1, 8, 8, 1 ]
 * ```
 */
export const upSampling2d = (options: UpSampling2dOptions = {}): Layer => makeLayer(upSampling2dKind, options)
/**
 * Enlarges volumes: [batch, depth, height, width, channels], each axis by its factor.
 * @throws LanegradError on an unknown or bad option, or an input of another rank
 * @example
 * ```js
 * import { sequential, upSampling3d } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2, 4, 4, 1], layers: [upSampling3d({ size: [1, 2, 2] })] })
 * console.log(model.predict(new Float32Array(32)).shape) // [ 1, 2, 8, 8, 1 ]
 * ```
 */
export const upSampling3d = (options: UpSampling3dOptions = {}): Layer => makeLayer(upSampling3dKind, options)

/** Options of `centerCrop`. */
export interface CenterCropOptions extends LayerOptions {
  /** Height of the output, in cells. */
  readonly height: number
  /** Width of the output, in cells. */
  readonly width: number
}

/** Options of `resizing`. */
export interface ResizingOptions extends CenterCropOptions {
  /** 'bilinear' (default) interpolates between the centers of cells; 'nearest' takes the nearest one. No antialiasing. */
  readonly interpolation?: 'nearest' | 'bilinear'
  /**
   * true (default): the edges of both images meet, as in Keras and TensorFlow 2; false: output cell o lies at o from / to, as
   * in TensorFlow 1 and TensorFlow.js, and is rounded down for 'nearest' (as PyTorch's nearest).
   */
  readonly halfPixel?: boolean
  /**
   * The centers of the first and of the last cells meet, whatever halfPixel is: PyTorch's align_corners and TensorFlow.js's
   * layer. Default false.
   */
  readonly alignCorners?: boolean
  /** Cuts off what is too much of the longer side first, so that nothing is distorted. Default false. */
  readonly cropToAspectRatio?: boolean
}

const readResizing = (options: object) =>
  readLayer('resizing', options, {
    height: POSITIVE_INTEGER,
    width: POSITIVE_INTEGER,
    interpolation: [oneOf('nearest', 'bilinear'), 'bilinear'],
    halfPixel: [BOOLEAN, true],
    alignCorners: [BOOLEAN, false],
    cropToAspectRatio: [BOOLEAN, false],
  })

export const resizingKind: LayerKind<ReturnType<typeof readResizing>> = {
  kind: 'resizing',
  read: readResizing,
  build({ g }, inputs, { height, width, interpolation, halfPixel, alignCorners, cropToAspectRatio }) {
    const x = floats(g, spatialInput(inputs, 2))
    const y = cropToAspectRatio ? cropped(g, x, ofRatio(x, height, width)) : x
    const grid = alignCorners ? 'corners' : halfPixel ? 'halfPixel' : 'start'
    return resized(g, y, [height, width], { linear: interpolation === 'bilinear', grid })
  },
}

/**
 * Resizes images, float32 or int32, to one size: [batch, h, w, channels] to [batch, height, width, channels].
 * @throws LanegradError on an unknown or bad option, or an input of another rank
 * @example
 * ```js
 * import { resizing, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2, 2, 1], layers: [resizing({ height: 1, width: 3 })] })
 * console.log(model.predict([[[[0], [6]], [[0], [6]]]]).data.join(' ')) // 0 3 6
 * ```
 */
export const resizing = (options: ResizingOptions): Layer => makeLayer(resizingKind, options)

export const centerCropKind: LayerKind<{ readonly height: number; readonly width: number }> = {
  kind: 'centerCrop',
  read: (options) => readLayer('centerCrop', options, { height: POSITIVE_INTEGER, width: POSITIVE_INTEGER }),
  build({ g }, inputs, { height, width }) {
    const x = floats(g, spatialInput(inputs, 2))
    const [, h, w] = x.shape
    if (h >= height && w >= width) return cropped(g, x, [height, width])
    const attributes = { linear: true, grid: 'halfPixel' } as const
    return resized(g, cropped(g, x, ofRatio(x, height, width)), [height, width], attributes)
  },
}

/**
 * Cuts the middle out of images, float32 or int32: [batch, h, w, channels] to [batch, height, width, channels]. An image that
 * is smaller, on one side at least, is resized instead (bilinear, cut to the ratio), as in Keras.
 * @throws LanegradError on an unknown or bad option, or an input of another rank
 * @example
 * ```js
 * import { centerCrop, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1, 5, 1], layers: [centerCrop({ height: 1, width: 3 })] })
 * console.log(model.predict([[[[1], [2], [3], [4], [5]]]]).data.join(' ')) // 2 3 4
 * ```
 */
export const centerCrop = (options: CenterCropOptions): Layer => makeLayer(centerCropKind, options)
