// The kinds of files that the commands know: how a model is read from one, and written to one. A kind is told by the end of the path.
import { basename, dirname, join } from 'node:path'
import type { Imported } from '../interchange/keras/imported.ts'
import type { Model } from '../model/model.ts'
import { messageOf } from '../numerics/brands.ts'
import { fail } from '../numerics/errors.ts'
import { packageScript, readBytes, writeWhole } from './command.ts'
import { loadFile } from './freeze.ts'

/** A model, and what its file's import changed or dropped. */
interface Read {
  readonly model: Model
  readonly notes: readonly string[]
}

interface FileKind {
  /** How it is named in lists. */
  readonly name: string
  readonly ends: RegExp
  read(path: string): Promise<Read>
  /** The paths that were written; missing: the kind can't be written. */
  write?(model: Model, path: string): Promise<readonly string[]>
}

const imported = (model: Imported): Read => ({ model: model as unknown as Model, notes: model.importNotes })

const tfjs = () => packageScript<typeof import('../tfjs/index.ts')>('tfjs')
const keras = () => packageScript<typeof import('../keras/index.ts')>('keras')
const onnx = () => packageScript<typeof import('../onnx/index.ts')>('onnx')

/** One file that is written as a whole. */
async function written(path: string, bytes: Uint8Array): Promise<readonly string[]> {
  await writeWhole(path, bytes)
  return [path]
}

const KINDS: readonly FileKind[] = [
  {
    name: 'lanegrad (.safetensors)',
    ends: /\.safetensors$/i,
    read: async (path) => ({
      model: loadFile(path, readBytes(path), 'then saveTfjs(model), saveKeras(model) or saveOnnx(model)'),
      notes: [],
    }),
    write: (model, path) => written(path, model.save()),
  },
  {
    name: 'TensorFlow.js (.json, with weights.bin beside it)',
    ends: /\.json$/i,
    read: async (path) => imported((await (await tfjs()).loadTfjs(path)) as unknown as Imported),
    async write(model, path) {
      const files = (await tfjs()).saveTfjs(model)
      const weights = join(dirname(path), 'weights.bin')
      await writeWhole(weights, files['weights.bin'])
      await writeWhole(path, files['model.json'])
      return [path, weights]
    },
  },
  {
    name: 'Keras (.keras; .h5 is read alone)',
    ends: /\.(keras|h5|hdf5)$/i,
    read: async (path) => imported((await (await keras()).loadKeras(readBytes(path))) as unknown as Imported),
    async write(model, path) {
      if (!/\.keras$/i.test(path)) fail(`${basename(path)}: models are written as .keras, not as HDF5`)
      return written(path, (await keras()).saveKeras(model))
    },
  },
  {
    name: 'ONNX (.onnx)',
    ends: /\.onnx$/i,
    read: async (path) => imported((await (await onnx()).loadOnnx(readBytes(path))) as unknown as Imported),
    write: async (model, path) => written(path, (await onnx()).saveOnnx(model)),
  },
]

/** The kind of a file. @throws LanegradError naming those there are */
export function kindOf(path: string): FileKind {
  const known = KINDS.map(({ name }) => name).join(', ')
  return (
    KINDS.find(({ ends }) => ends.test(path)) ?? fail(`${path}: expected a file of a known kind: ${known}`)
  )
}

/** Whether a path is that of another maker's file; files of ours may have any name. */
export const isForeign = (path: string): boolean => KINDS.slice(1).some(({ ends }) => ends.test(path))

/** The model of a file of any kind. @throws LanegradError that begins with the path */
export async function readModel(path: string): Promise<Read> {
  const kind = kindOf(path)
  try {
    return await kind.read(path)
  } catch (error) {
    const message = messageOf(error)
    return fail(
      message.startsWith(path) || message.startsWith("can't read") ? message : `${path}: ${message}`,
    )
  }
}
