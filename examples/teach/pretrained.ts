// The net that others trained, and the runtime that runs what becomes of it: packages of this folder's own package.json, installed
// on first use.
//
// In:  nothing, or the path of a model.json. Out: a model; the runtime.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import type { Model, NamedArray, Symbolic } from 'lanegrad'
import { loadTfjs } from 'lanegrad/tfjs'
import { workers } from 'lanegrad/threads'
import { npmCommand } from '../../scripts/npm.mjs'
import { InputError } from '../shared/idx.ts'
import { print } from '../shared/run.ts'

const FOLDER = resolve('examples/teach')
const NET = join(FOLDER, 'node_modules/nsfwjs/dist/models/mobilenet_v2')

/** Installs the packages of the folder, unless they are there. */
export function install(): void {
  if (existsSync(join(FOLDER, 'node_modules/onnxruntime-web')) && existsSync(NET)) return
  print('installing the packages of examples/teach (nsfwjs, onnxruntime-web), once ...')
  const flags = '--prefix . --ignore-scripts --legacy-peer-deps --no-package-lock --no-audit --no-fund'
  const { status, stderr } = spawnSync(...npmCommand(['install', ...flags.split(' ')]), {
    cwd: FOLDER,
    encoding: 'utf8',
  })
  if (status !== 0) throw new InputError(`npm install in examples/teach failed:\n${stderr}`)
}

/** A layers-model of TensorFlow.js: by default the MobileNetV2 of nsfwjs, which brings its weights as base64 in a script. */
export function loadPretrained(path?: string): Promise<Model<Symbolic>> {
  const options = { threads: workers() }
  if (path !== undefined) return loadTfjs(path, options)
  const require = createRequire(import.meta.url)
  const modelJson: unknown = require(join(NET, 'model.min.js'))
  const weights = Buffer.from(require(join(NET, 'group1-shard1of1.min.js')), 'base64')
  return loadTfjs({ modelJson, weights: new Uint8Array(weights) } as never, options)
}

/** What onnxruntime predicts by a file. */
export async function runOnnx(
  file: Uint8Array,
  input: string,
  { data, shape }: NamedArray,
): Promise<Float32Array> {
  const runtime = createRequire(join(FOLDER, 'package.json'))('onnxruntime-web')
  runtime.env.wasm.numThreads = 1
  const session = await runtime.InferenceSession.create(file, {
    executionProviders: ['wasm'],
    logSeverityLevel: 3,
  })
  const results = await session.run({ [input]: new runtime.Tensor('float32', data, shape) })
  await session.release()
  return (Object.values(results)[0] as { data: Float32Array }).data
}
