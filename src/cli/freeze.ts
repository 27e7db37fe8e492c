// `lanegrad freeze`: a saved model to a frozen file, or to a script with that file inside.
import { basename } from 'node:path'
import { gzipSync } from 'node:zlib'
import { coreFor } from '../freeze/core-for.ts'
import { type FreezeOptions, freeze } from '../freeze/freeze.ts'
import { load } from '../model/create.ts'
import type { Model } from '../model/model.ts'
import { grouped } from '../model/summary.ts'
import { messageOf } from '../numerics/brands.ts'
import { fail, show } from '../numerics/errors.ts'
import { neededBy } from '../run/read.ts'
import { packageBytes, packageScript, packageText, readArguments, readBytes, writeWhole } from './command.ts'
import { frozenIn } from './programs.ts'
import { trainerScript } from './script.ts'

const FREEZE_HELP = `Usage: lanegrad freeze [options] FILE -o OUTPUT

Writes what a saved model needs to train and predict without the library: its
programs for batches of the sizes given. FILE is what model.save() gave.

OUTPUT ends in
  .js, .mjs       one ES module with everything inside (Node takes a .js for
                  one where package.json says "type": "module"):
                    import trainer from './trainer.js'
                    const net = trainer() // net.trainStep(x, y), net.predict(x)
  .safetensors    a file for open() from lanegrad/run; edge workers take this
                  one, since they compile no WebAssembly themselves

Options:
  -o, --output PATH      where to write to; a file there is replaced as a whole
  --train SIZES          sizes of batches to train on, as in 32 or 8,32
                         (default: none)
  --evaluate SIZES       sizes of batches to evaluate (default: none)
  --predict SIZES        sizes of batches to predict; any number of rows can be
                         predicted (default: 1)
  --gradients SIZES      sizes of batches to compute gradients of
                         (default: none)
  --sample-weight        training and evaluation take a weight for each row
  --core PATH            write a core.wasm beside OUTPUT that has only what this
                         file needs, for open(file, { core }) from
                         lanegrad/slim/run; a .js has it inside
  --include-optimizer    keep the optimizer's state, so that training goes on
                         where it is (default: it starts anew)
  -h, --help             show this

A model with layers, losses or metrics of your own can't be made from a file
alone: in a script, load(bytes, { layers }) it, then call freeze(model, ...)
from lanegrad/freeze.
`

const MODES = ['train', 'evaluate', 'predict', 'gradients'] as const

function readSizes(option: string, text: string | undefined): readonly number[] | undefined {
  if (text === undefined) return undefined
  const sizes = text.split(',').map((part) => (/^\d+$/.test(part.trim()) ? Number(part) : 0))
  if (sizes.includes(0)) fail(`--${option}: expected sizes of batches, as in 32 or 1,32; got ${show(text)}`)
  return sizes
}

/** The model of a file. @throws LanegradError, which says what to do where the file needs code of the user's own */
export function loadFile(path: string, bytes: Uint8Array<ArrayBuffer>, then: string): Model {
  try {
    return load(bytes) as Model
  } catch (error) {
    const message = messageOf(error)
    const [, layer] = /^unknown layer (".*?")/.exec(message) ?? []
    if (layer)
      fail(
        `${path}: unknown layer ${layer}. Where it is your own, a file can't bring it: in a script, load(bytes, { layers: [...] }), ${then}`,
      )
    return fail(`${path}: ${message}${/load\(bytes, \{/.test(message) ? `, in a script, ${then}` : ''}`)
  }
}

export async function freezeCommand(args: readonly string[]): Promise<string> {
  const size = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const { values, file, refuse } = readArguments('freeze', args, {
    ...{ train: size, evaluate: size, predict: size, gradients: size },
    ...{ 'sample-weight': flag, 'include-optimizer': flag },
    core: { type: 'string' },
    output: { type: 'string', short: 'o' },
    help: { type: 'boolean', short: 'h' },
  })
  if (values.help) return FREEZE_HELP
  const path = file()
  const output = values.output ?? refuse('no output: add -o trainer.js or -o trainer.safetensors')
  const isScript = /\.m?js$/.test(output)
  if (!isScript && !output.endsWith('.safetensors'))
    refuse(`-o ${output}: expected a name that ends in .js, .mjs or .safetensors`)
  if (isScript && values.core !== undefined) refuse(`--core ${values.core}: ${output} has its core inside`)
  const sizes = MODES.map((mode) => [mode, readSizes(mode, values[mode])] as const)
  const model = loadFile(path, readBytes(path), 'then freeze(model, ...) from lanegrad/freeze')
  const options: FreezeOptions = {
    ...Object.fromEntries(sizes.filter(([, own]) => own !== undefined)),
    sampleWeight: values['sample-weight'] ?? false,
    includeOptimizer: values['include-optimizer'] ?? false,
  }
  const frozen = freeze(model, options)
  const told = frozenIn(frozen) ?? fail('no programs were written')
  const { programs } = told
  const brought = neededBy(told)
  const needed = new Set([...programs.flatMap(({ modules }) => modules), ...brought.map(([, name]) => name)])
  const kinds = MODES.flatMap((mode) => {
    const own = programs.flatMap(({ request }) => (request.mode === mode ? request.rows : []))
    return own.length > 0 ? `${mode} ${own.join(', ')}` : []
  }).join('; ')
  const core = coreFor(frozen, packageBytes('wasm/core.wasm'))
  let data: Uint8Array | string = frozen
  if (isScript) {
    const { all } = await packageScript<typeof import('../run/modules.ts')>('run/modules')
    const { version } = JSON.parse(packageText('../package.json'))
    const name = basename(output)
    data = trainerScript({
      notes: [
        `A trainer of ${basename(path)}, frozen by lanegrad ${version}; batches: ${kinds}.`,
        `  import trainer from './${name}'`,
        '  const net = trainer()',
      ],
      runner: packageText('slim/run.js'),
      core,
      modules: all.filter((module) => needed.has(module.name)),
      brought,
      bringer: packageText('slim/run/modules.js'),
      file: frozen,
    })
  }
  await writeWhole(output, data)
  if (values.core !== undefined) await writeWhole(values.core, core)
  const bytes = Buffer.from(data)
  const names = ['core', ...needed]
  const sizeOf = (path: string, own: Uint8Array) =>
    `${path}: ${grouped(own.length)} bytes, ${grouped(gzipSync(own, { level: 9 }).length)} gzipped`
  const given = [
    values.core === undefined ? [] : 'core',
    needed.size > 0 ? `modules: [${[...needed].join(', ')}]` : [],
  ].flat()
  return [
    sizeOf(output, bytes),
    ...(values.core === undefined ? [] : [sizeOf(values.core, core)]),
    `  batches  ${kinds}`,
    `  kernels  ${names.join(', ')}`,
    isScript
      ? `  use      import trainer from './${basename(output)}'`
      : `  use      open(bytes${given.length > 0 ? `, { ${given.join(', ')} }` : ''}) from lanegrad/${values.core === undefined ? '' : 'slim/'}run`,
    '',
  ].join('\n')
}
