// Models in files: whole or not at all (test/callbacks/files.test.ts tries the writer itself), and files that are none of ours.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { dense, sequential } from '../../src/index.ts'
import { loadFile, saveFile } from '../../src/node/index.ts'
import { refusedSoon } from '../support/refused.ts'

const root = mkdtempSync(join(tmpdir(), 'lanegrad-model-files-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const net = () => {
  const model = sequential({ inputShape: [2], layers: [dense({ units: 3 })], seed: 1 })
  return model.compile({ optimizer: 'adam', loss: 'mse' })
}
const x = Float32Array.of(1, 2, 3, 4)
const y = Float32Array.of(1, 0, 0, 0, 1, 0)

test('a model goes on from its file bit for bit; a second save replaces the first', async () => {
  const path = join(root, 'deep', 'er', 'model.safetensors')
  const model = net()
  await saveFile(model, path, { includeOptimizer: false })
  const small = readFileSync(path).length
  await model.fit(x, y, { epochs: 3 })
  await saveFile(model, path)
  expect(readFileSync(path).length).toBeGreaterThan(small)
  const again = await loadFile(path)
  await again.fit(x, y, { epochs: 2 })
  await model.fit(x, y, { epochs: 2 })
  expect(again.save({ includeOptimizer: true })).toEqual(model.save({ includeOptimizer: true }))
  expect(readdirSync(join(root, 'deep', 'er'))).toEqual(['model.safetensors'])
})

test.each([
  [
    'model.h5',
    '\x89HDF\r\n\x1a\n',
    "it looks like an HDF5 file: loadKeras, from 'lanegrad/keras', reads models of Keras",
  ],
  [
    'model.keras',
    'PK\x03\x04',
    "it looks like a zip file: loadKeras, from 'lanegrad/keras', reads .keras files",
  ],
  [
    'model.json',
    '{"modelTopology": {}}',
    "it looks like JSON: loadTfjs, from 'lanegrad/tfjs', reads models of TensorFlow.js",
  ],
  [
    'model.onnx',
    '\x08\x07\x12\x07pytorch',
    "it looks like an ONNX file: loadOnnx, from 'lanegrad/onnx', reads these",
  ],
  [
    'data.npy',
    '\x93NUMPY\x01\x00',
    "it looks like a NumPy file: readArrays, from 'lanegrad/node', reads arrays",
  ],
  ['page.html', '<!doctype html>', 'it looks like a page or a picture'],
])('%s is named, with what reads it', async (name, text, why) => {
  const path = join(root, name)
  writeFileSync(path, text, 'latin1')
  await refusedSoon(`loadFile: ${path}: ${why}`, () => loadFile(path), net())
})

test('what else is no model is named with its path', async () => {
  const path = join(root, 'torn.safetensors')
  writeFileSync(path, net().save().subarray(0, 100))
  const model = net()
  await refusedSoon(RegExp(`^loadFile: ${path.replaceAll('\\', '\\\\')}: .`), () => loadFile(path), model)
  writeFileSync(path, '')
  await refusedSoon(`loadFile: ${path} is empty`, () => loadFile(path), model)
  await refusedSoon(
    'loadFile: https://example.com/net is an address; load(await (await fetch(url)).arrayBuffer()) gets a model from there',
    () => loadFile('https://example.com/net'),
    model,
  )
  await refusedSoon(/^loadFile: can't read .*none: ENOENT/, () => loadFile(join(root, 'none')), model)
  await refusedSoon(
    "saveFile: path must be a file path; got ''".replaceAll("'", '"'),
    () => saveFile(model, ''),
    model,
  )
  await refusedSoon(/^saveFile: can't write .*: it is a folder/, () => saveFile(model, root), model)
  await refusedSoon(/^saveFile: model/, () => saveFile({} as never, path), model)
})
