// Reads the IDX files of MNIST and its drop-ins (Fashion-MNIST, KMNIST ...), gzipped or not.
//
// In:  a folder with the four usual files. Out: images as float32 in [0, 1], shape [n, rows * columns],
//      and labels as int32, shape [n].
// A file that breaks this is refused by name with an InputError; nothing is guessed or filled in.

import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { parseIdx } from 'lanegrad/data'

/** What is wrong with the data, in words for the person at the terminal. */
export class InputError extends Error {
  override name = 'InputError'
}

/** An array of bytes with its sizes, outermost first. */
export interface IdxArray {
  shape: number[]
  data: Uint8Array
}

/** Images and their labels, n of each. */
export interface SampleSet {
  /** [n, rowCount * columnCount], 0 to 1 */
  images: { shape: [number, number]; data: Float32Array }
  /** [n], 0 to CLASS_COUNT - 1 */
  labels: { shape: [number]; data: Int32Array }
  rowCount: number
  columnCount: number
}

export const CLASS_COUNT = 10

const GZIP_MAGIC = [0x1f, 0x8b]

/**
 * Decodes one IDX file of unsigned bytes, unzipping it first if it starts with the gzip magic.
 * `name` stands in the messages. Throws InputError on broken gzip, a file that is no IDX file or not as long as its
 * sizes say, other elements than bytes, or a rank other than `rank`.
 */
export function decodeIdx(file: Uint8Array, rank: number, name: string): IdxArray {
  const { shape, data } = parsed(unzip(file, name), name)
  if (!(data instanceof Uint8Array) || shape.length !== rank) {
    const kind = data.constructor.name.replace('Array', '')
    throw new InputError(`${name}: ${shape.join(' x ')} ${kind}, expected Uint8 with ${rank} axes`)
  }
  return { shape: [...shape], data }
}

function parsed(bytes: Uint8Array, name: string) {
  try {
    return parseIdx(bytes, name)
  } catch (error) {
    throw new InputError((error as Error).message)
  }
}

/**
 * Joins decoded images [n, rows, columns] and labels [n] into a set, of the first `limit` samples if given.
 * Throws InputError if the counts differ, nothing is left, or a label is no class.
 */
export function pairSamples(images: IdxArray, labels: IdxArray, name: string, limit = Infinity): SampleSet {
  const [imageCount = 0, rowCount = 0, columnCount = 0] = images.shape
  const [labelCount = 0] = labels.shape
  if (imageCount !== labelCount) {
    throw new InputError(`${name}: ${imageCount} images but ${labelCount} labels`)
  }
  const sampleCount = Math.min(imageCount, limit)
  const pixelCount = rowCount * columnCount
  if (sampleCount * pixelCount === 0) {
    throw new InputError(`${name}: no pixels in ${images.shape.join(' x ')} images`)
  }
  const classes = Int32Array.from(labels.data.subarray(0, sampleCount))
  const stray = classes.findIndex((label) => label >= CLASS_COUNT)
  if (stray >= 0) {
    throw new InputError(`${name}: label ${classes[stray]} at ${stray}, expected 0 to ${CLASS_COUNT - 1}`)
  }
  const pixels = Float32Array.from(images.data.subarray(0, sampleCount * pixelCount))
  for (let i = 0; i < pixels.length; i++) pixels[i] /= 255
  return {
    images: { shape: [sampleCount, pixelCount], data: pixels },
    labels: { shape: [sampleCount], data: classes },
    rowCount,
    columnCount,
  }
}

/**
 * Reads the training or the test set ('t10k') of a folder, the first `limit` samples of it if given.
 * Throws InputError if the folder or a file is missing, and as `decodeIdx` and `pairSamples` do.
 */
export function readSamples(folder: string, split: 'train' | 't10k', limit?: number): SampleSet {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new InputError(`no such folder: ${folder}`)
  }
  const images = readIdx(folder, `${split}-images`, 3)
  const labels = readIdx(folder, `${split}-labels`, 1)
  return pairSamples(images, labels, join(folder, split), limit)
}

/** Samples `from` up to `to` of a set: a view, nothing is copied. */
export function sliceSamples(set: SampleSet, from: number, to: number): SampleSet {
  const pixelCount = set.images.shape[1]
  return {
    ...set,
    images: {
      shape: [to - from, pixelCount],
      data: set.images.data.subarray(from * pixelCount, to * pixelCount),
    },
    labels: { shape: [to - from], data: set.labels.data.subarray(from, to) },
  }
}

// The file is spelled train-images-idx3-ubyte or train-images.idx3-ubyte, each with or without .gz.
function readIdx(folder: string, stem: string, rank: number): IdxArray {
  const names = ['-', '.'].flatMap((separator) => {
    const name = `${stem}${separator}idx${rank}-ubyte`
    return [name, `${name}.gz`]
  })
  const found = names.find((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.isFile())
  if (found === undefined) {
    throw new InputError(`nothing to read in ${folder}: looked for ${names.join(', ')}`)
  }
  const path = join(folder, found)
  return decodeIdx(readFileSync(path), rank, path)
}

function unzip(file: Uint8Array, name: string): Uint8Array {
  if (!GZIP_MAGIC.every((byte, i) => file[i] === byte)) return file
  try {
    return gunzipSync(file)
  } catch (error) {
    throw new InputError(`${name}: broken gzip: ${error instanceof Error ? error.message : error}`)
  }
}
