// Random changes of images: shift, flip, rotation, zoom, noise. Enters: a batch of images [rows, H, W, C] (or [rows, H, W]) and
// its number. Leaves: new images of the same shape. The changes depend on the seed, the batch's number and the row alone, with
// the same bits on every engine.
import {
  BOOLEAN,
  check,
  fail,
  NATURAL,
  NON_NEGATIVE,
  reading,
  readOptions,
  SHARE,
  show,
} from '../numerics/errors.ts'
import { cos, sin } from '../numerics/exact.ts'
import { normal, streamOf, uniform } from '../numerics/random.ts'
import { elementCount, type FloatArray, isShaped, type ShapedArray } from '../numerics/tensor.ts'

/** Options of `augmentImages`. */
export interface AugmentOptions {
  /** The largest shift either way, in whole pixels, or [vertical, horizontal]. Default 0. */
  readonly shift?: number | readonly [vertical: number, horizontal: number]
  /** Whether half of the images are mirrored, left and right swapped. Default false. */
  readonly flipHorizontal?: boolean
  /** Whether half of the images are turned over, top and bottom swapped. Default false. */
  readonly flipVertical?: boolean
  /** The largest rotation about the center either way, in degrees. Default 0. */
  readonly rotation?: number
  /** The range of the scale, from 1 - zoom to 1 + zoom; in [0, 1). Default 0. */
  readonly zoom?: number
  /** Standard deviation of normal noise added to every number. Default 0. */
  readonly noise?: number
  /** Seed of the changes. Default 0. */
  readonly seed?: number
}

/** The number of random numbers that an image takes. */
const DRAWS = 6

function readShifts(shift: unknown, what: string): readonly number[] {
  const shifts = Array.isArray(shift) ? shift : [shift, shift]
  check(shifts.length === 2 && shifts.every(NATURAL.holds), what, 'an integer >= 0, or two of them', shift)
  return shifts
}

/**
 * A transform of images, for `batches` or for calls of your own: `augment(images, at)` takes [rows, height, width, channels] or
 * [rows, height, width] and returns new images of that shape. `at`, the number of the batch (default 0), and the seed decide the
 * changes. Pixels are interpolated (bilinear); those from outside the image are 0.
 * @throws LanegradError on an unknown or bad option; in the call, for anything but a tensor of images
 * @example
 * ```js
 * import { tensor } from 'lanegrad'
 * import { augmentImages, batches } from 'lanegrad/data'
 *
 * const x = tensor([[[1, 2, 3]], [[1, 2, 3]], [[1, 2, 3]], [[1, 2, 3]]]) // four images of 1 x 3 pixels
 * console.log(augmentImages({ flipHorizontal: true })(x).data.join(' ')) // 3 2 1 3 2 1 1 2 3 1 2 3
 * console.log(augmentImages({ shift: [0, 1] })(x).data.join(' ')) // 0 1 2 2 3 0 2 3 0 0 1 2
 * // each epoch meets each image in another form
 * const source = batches({ x, y: [0, 1, 0, 1], transform: augmentImages({ shift: 2, rotation: 10, seed: 1 }) })
 * console.log(source.steps) // 1
 * ```
 */
export function augmentImages(
  options: AugmentOptions = {},
): (images: ShapedArray, at?: number) => FloatArray {
  const where = 'augmentImages'
  const { shift, flipHorizontal, flipVertical, rotation, zoom, noise, seed } = readOptions(where, options, {
    shift: [readShifts, 0],
    flipHorizontal: [BOOLEAN, false],
    flipVertical: [BOOLEAN, false],
    rotation: [NON_NEGATIVE, 0],
    zoom: [SHARE, 0],
    noise: [NON_NEGATIVE, 0],
    seed: [NATURAL, 0],
  })

  return (images, at = 0) =>
    reading(`${where}: images`, () => {
      const isImages = isShaped(images) && (images.shape.length === 3 || images.shape.length === 4)
      if (!isImages || elementCount(images.shape) !== images.data.length)
        fail(
          `${where}: expected a tensor [rows, height, width, channels]; got ${show(isShaped(images) ? images.shape : images)}`,
        )
      const { shape, data } = images
      const [rows, height, width, channels = 1] = shape
      const size = height * width * channels
      const out = new Float32Array(data.length)
      if (noise > 0) normal(out, seed, streamOf(`noise ${at}`), 0, noise)
      const draws = new Float32Array(rows * DRAWS)
      uniform(draws, seed, streamOf(`augment ${at}`))
      const centerY = (height - 1) / 2
      const centerX = (width - 1) / 2
      for (let row = 0; row < rows; row++) {
        const [down, right, flipX, flipY, turn, scale] = draws.subarray(row * DRAWS, (row + 1) * DRAWS)
        const dy = Math.floor(down * (2 * shift[0] + 1)) - shift[0]
        const dx = Math.floor(right * (2 * shift[1] + 1)) - shift[1]
        const angle = ((((2 * turn - 1) * rotation) % 360) * Math.PI) / 180
        const factor = 1 + (2 * scale - 1) * zoom
        const signX = flipHorizontal && flipX < 0.5 ? -1 : 1
        const signY = flipVertical && flipY < 0.5 ? -1 : 1
        const c = cos(angle) / factor
        const s = sin(angle) / factor
        const from = row * size
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            // back from the result: unshifted, turned and scaled back about the center, flipped back
            const v = y - centerY - dy
            const u = x - centerX - dx
            const sourceY = signY * (c * v + s * u) + centerY
            const sourceX = signX * (c * u - s * v) + centerX
            const top = Math.floor(sourceY)
            const left = Math.floor(sourceX)
            const below = sourceY - top
            const beside = sourceX - left
            const to = from + (y * width + x) * channels
            for (let corner = 0; corner < 4; corner++) {
              const cornerY = top + (corner >> 1)
              const cornerX = left + (corner & 1)
              const weight = (corner & 2 ? below : 1 - below) * (corner & 1 ? beside : 1 - beside)
              if (weight === 0 || cornerY < 0 || cornerX < 0 || cornerY >= height || cornerX >= width)
                continue
              const pixel = from + (cornerY * width + cornerX) * channels
              for (let k = 0; k < channels; k++) out[to + k] += weight * data[pixel + k]
            }
          }
        }
      }
      return { shape, data: out }
    })
}
