// `lanegrad torch`: the Python files with which PyTorch trains a saved model, beside it, and the command that starts them.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeTensors, ownReaders } from '../formats/safetensors.ts'
import { messageOf } from '../numerics/brands.ts'
import { fail } from '../numerics/errors.ts'
import { readArguments, readBytes, writeWhole } from './command.ts'

const TORCH_HELP = `Usage: lanegrad torch [options] FILE

Copies train.py and the folder lanegrad_torch beside FILE, a model that
model.save({ includeOptimizer: true }) gave, and prints the commands with which
they train it: in one process, in several, on several machines. Python needs
PyTorch and NumPy for it, and nothing of lanegrad. The file that comes out goes
on in JavaScript: load(bytes).

Files that are there and were changed stay, and nothing is copied.

Options:
  -f, --force    replace files that were changed
  -h, --help     show this
`

/** The package's folder of Python files. */
const SOURCE = fileURLToPath(new URL('../python/', import.meta.url))

/** As a shell takes it. */
const quoted = (path: string): string =>
  /^[\w@%+=:,./\\-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`

/** Whether a saved model is compiled, and whether it has its optimizer's state. @throws LanegradError for other files */
function stateOf(path: string): { isCompiled: boolean; hasState: boolean } {
  const bytes = readBytes(path)
  try {
    const { metadata } = decodeTensors(bytes, ownReaders)
    if (!metadata.network) fail('it holds no model of lanegrad')
    return { isCompiled: 'training' in metadata, hasState: 'optimizerState' in metadata }
  } catch (error) {
    return fail(`${path}: ${messageOf(error)}`)
  }
}

/** The bytes of a file; null: there is none. */
function bytesIfThere(path: string): Buffer | null {
  try {
    return readFileSync(path)
  } catch {
    return null
  }
}

/** Copies the Python files into a folder. Returns how many were written. */
async function copyInto(folder: string, isForced: boolean): Promise<number> {
  const names = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.py'),
  )
  const others = names.flatMap((name) => {
    const [data, there] = [readFileSync(join(SOURCE, name)), bytesIfThere(join(folder, name))]
    return there?.equals(data) ? [] : [{ path: join(folder, name), data, isChanged: there !== null }]
  })
  const changed = others.filter(({ isChanged }) => isChanged)
  if (changed.length > 0 && !isForced) {
    const first = relative('.', changed[0].path)
    const more = changed.length > 1 ? ` and ${changed.length - 1} more` : ''
    fail(`${first}${more}: changed, or of another version of lanegrad; --force replaces what is there`)
  }
  for (const { path, data } of others) {
    mkdirSync(dirname(path), { recursive: true })
    await writeWhole(path, data)
  }
  return others.length
}

export async function torchCommand(args: readonly string[]): Promise<string> {
  const { values, file } = readArguments('torch', args, {
    force: { type: 'boolean', short: 'f' },
    help: { type: 'boolean', short: 'h' },
  })
  if (values.help) return TORCH_HELP
  const path = file()
  const { isCompiled, hasState } = stateOf(path)
  if (!isCompiled) fail(`${path}: the model has no loss and optimizer: compile it before it is saved`)
  const folder = dirname(path)
  const count = await copyInto(folder, values.force ?? false)
  const at = (name: string) => quoted(join(folder, name))
  const python = process.platform === 'win32' ? 'python' : 'python3'
  const trained = basename(path).replace(/(\.\w+)?$/, '-trained.safetensors')
  const rest = `${quoted(join(folder, basename(path)))} --data DIR --epochs 1 -o ${at(trained)}`
  const nodes = 'torchrun --nnodes 2 --nproc-per-node 4 --rdzv-backend c10d --rdzv-endpoint HOST:29500'
  return [
    count > 0
      ? `train.py and lanegrad_torch are in ${folder === '.' ? 'this folder' : folder}: ${count} files written`
      : `train.py and lanegrad_torch are in ${folder === '.' ? 'this folder' : folder} already`,
    ...(hasState
      ? []
      : [
          'note: the file has no state of the optimizer, which begins anew: save({ includeOptimizer: true })',
        ]),
    '',
    'DIR holds x.npy and y.npy (saveArrays from lanegrad/node writes them) or the files of MNIST.',
    'In one process:',
    `  ${python} ${at('train.py')} ${rest}`,
    'In several, which share the batches:',
    `  ${python} ${at('train.py')} ${rest} --processes 2`,
    'On several machines, the same on each:',
    `  ${nodes} ${at('train.py')} ${rest}`,
    '',
  ].join('\n')
}
