// A reader that is given a file of another kind says what it got, and what reads it: an address that answers with a page is the commonest.
import { expect, test } from 'vitest'
import { dense, load, sequential } from '../../src/index.ts'
import { loadKeras } from '../../src/keras/index.ts'
import { loadOnnx, saveOnnx } from '../../src/onnx/index.ts'
import { loadTfjs } from '../../src/tfjs/index.ts'
import { loadStateDict } from '../../src/torch/index.ts'
import { refusedSoon } from '../support/refused.ts'

const model = sequential({ inputShape: [2], layers: [dense({ units: 3 })], seed: 1 })
const bytes = (latin1: string) => Uint8Array.from(latin1.padEnd(60, '\0'), (c) => c.charCodeAt(0))

/** A file of each kind as its makers write it, and what is said of it; a kind that a reader takes is left out there. */
const files: readonly (readonly [Uint8Array, says: string, ...readBy: string[]])[] = [
  [bytes('<!DOCTYPE html><html lang="en">'), 'a page or a picture'],
  [bytes('\n<html>'), 'a page or a picture'],
  [bytes('\xff\xd8\xff\xe0\0\x10JFIF'), 'a page or a picture'],
  [
    bytes('version https://git-lfs.github.com/spec/v1\noid sha256:4d7a'),
    'a pointer of Git LFS: git lfs pull',
  ],
  [bytes('\x1f\x8b\x08\0\0\0\0\0'), 'a gzip file: unpack it first'],
  [bytes('\x1c\0\0\0TFL3\x14\0 \0'), 'a TensorFlow Lite file'],
  [bytes('\x93NUMPY\x01\0v\0'), "a NumPy file: readArrays, from 'lanegrad/node'"],
  [bytes('\x89HDF\r\n\x1a\n'), 'an HDF5 file: loadKeras', 'loadKeras'],
  [bytes('PK\x03\x04\x14\0\0\0'), 'a zip file: loadKeras', 'loadKeras', 'loadStateDict'],
  [bytes('{"format":"layers-model"}'), 'JSON: loadTfjs', 'loadTfjs', 'loadStateDict'],
  [model.save(), 'a safetensors file: load reads models of lanegrad', 'loadStateDict'],
  [saveOnnx(model), "an ONNX file: loadOnnx, from 'lanegrad/onnx'", 'loadOnnx'],
]

const readers = {
  loadOnnx: (file: Uint8Array) => loadOnnx(file),
  loadKeras: (file: Uint8Array) => loadKeras(file),
  loadTfjs: (file: Uint8Array) => loadTfjs({ modelJson: file, weights: [] }),
  loadStateDict: (file: Uint8Array) => loadStateDict(model, file),
}

for (const [reader, read] of Object.entries(readers))
  test(`${reader} names the kind of a file that it doesn't read`, async () => {
    for (const [file, says, ...readBy] of files)
      if (!readBy.includes(reader))
        await refusedSoon(RegExp(`(it looks like|got) ${says}`), () => read(file), model)
  })

test('load shows how a file begins that is no safetensors file', () => {
  expect(() => load(bytes('<!DOCTYPE html><html>'))).toThrow(
    'the file begins with "<!DOCTYPE html><", not with a length',
  )
  expect(() => load(bytes('version https://git-lfs'))).toThrow('the file begins with "version https://"')
})
