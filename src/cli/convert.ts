// `lanegrad convert`: a model from one kind of file to another.
import { messageOf } from '../numerics/brands.ts'
import { fail } from '../numerics/errors.ts'
import { readArguments } from './command.ts'
import { kindOf, readModel } from './kinds.ts'

const CONVERT_HELP = `Usage: lanegrad convert INPUT OUTPUT

Reads a model from INPUT and writes it to OUTPUT. Both are told by their ends:
  .safetensors    lanegrad: what model.save() gives and load() takes
  .json           TensorFlow.js: model.json of a layers-model, with its weights
                  beside it
  .keras, .h5     Keras; .h5 is read alone
  .onnx           ONNX

What the import changes or drops is printed. What OUTPUT's kind doesn't have is
refused, and nothing is written.

Options:
  -h, --help    show this
`

export async function convertCommand(args: readonly string[]): Promise<string> {
  const options = { help: { type: 'boolean', short: 'h' } } as const
  const { values, files, refuse } = readArguments('convert', args, options)
  if (values.help) return CONVERT_HELP
  if (files.length !== 2) refuse(`expected two files, INPUT and OUTPUT; got ${files.length}`)
  const [from, to] = files
  const target = kindOf(to)
  const { model, notes } = await readModel(from)
  if (!target.write) return fail(`${to}: files of ${target.name} can't be written`)
  let paths: readonly string[]
  try {
    paths = await target.write(model, to)
  } catch (error) {
    return fail(`${from} to ${to}: ${messageOf(error)}`)
  }
  const lines = [
    `${paths.join(' and ')}: ${model.countParams()} weights`,
    ...notes.map((note) => `note: ${note}`),
  ]
  return `${lines.join('\n')}\n`
}
