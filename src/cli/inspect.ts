// `lanegrad inspect`: what is in a saved or frozen file, as text of 80 columns (the table of layers is as wide as their names).
import { gzipSync } from 'node:zlib'
import { decodeTensors, ownReaders } from '../formats/safetensors.ts'
import type { Model } from '../model/model.ts'
import { grouped, table } from '../model/summary.ts'
import { messageOf } from '../numerics/brands.ts'
import { fail } from '../numerics/errors.ts'
import { regionsOf } from '../plan/regions.ts'
import { PROGRAM_MARK } from '../session/frozen.ts'
import type { Mode } from '../session/program.ts'
import { SLOT_PREFIX } from '../session/state.ts'
import { packageScript, readArguments, readBytes, wrapped } from './command.ts'
import { loadFile } from './freeze.ts'
import { isForeign, readModel } from './kinds.ts'
import { type Described, describedIn, frozenIn, type Region } from './programs.ts'

const INSPECT_HELP = `Usage: lanegrad inspect FILE

Shows what a file of model.save() or of freeze holds: the layers, the programs
with their instructions, kernels and memory, where what lies in the memory, and
what the file's bytes are. Of a model of TensorFlow.js, Keras or ONNX (.json,
.keras, .h5, .onnx): the layers, what the import changes, the programs.

Options:
  -h, --help    show this
`

const COLUMNS = 80
const BATCH = 32

/** The programs that would run if a saved model were trained and asked in batches of 32. */
function plannedFor({ session }: Model): Described[] {
  const modes: Mode[] = session.training ? ['train', 'predict'] : ['predict']
  return modes.map((mode) => {
    const { code } = session.programFor(mode, BATCH)
    const { steps, modules, end, layout } = code
    const names = modules.map(({ name }) => name)
    const bytes = end - layout.base
    return { mode, rows: BATCH, instructions: steps.length, modules: names, bytes, regions: regionsOf(code) }
  })
}

function programsText(programs: readonly Described[]): string {
  const header = ['mode', 'batch', 'instructions', 'memory, bytes', 'kernels beside the core']
  const before = 9 + 2 + 5 + 2 + 12 + 2 + 13 + 2
  const rows = programs.flatMap(({ mode, rows, instructions, bytes, modules }) => {
    const names = modules.map((name, i) => (i < modules.length - 1 ? `${name},` : name))
    const [first, ...others] = wrapped(names, COLUMNS - before)
    return [
      [mode, grouped(rows), grouped(instructions), grouped(bytes), first],
      ...others.map((line) => ['', '', '', '', line]),
    ]
  })
  return table(header, rows, [1, 2, 3])
}

const regionsText = (regions: readonly Region[]): string =>
  table(
    ['part', 'from', 'to', 'bytes'],
    regions.map(({ name, start, end }) => [name, grouped(start), grouped(end), grouped(end - start)]),
    [1, 2, 3],
  )

/** The bytes of a file by what they are for. */
function sizesText(bytes: Uint8Array<ArrayBuffer>): string {
  const sizes = { weights: 0, 'optimizer state': 0, programs: 0 }
  for (const [name, { data }] of decodeTensors(bytes, ownReaders).tensors) {
    const kind = name.startsWith(SLOT_PREFIX)
      ? 'optimizer state'
      : name.includes(PROGRAM_MARK)
        ? 'programs'
        : 'weights'
    sizes[kind] += data.byteLength
  }
  const rest = bytes.length - sizes.weights - sizes['optimizer state'] - sizes.programs
  const rows = [
    ...Object.entries(sizes),
    ['header, the description in JSON', rest] as const,
    ['all', bytes.length] as const,
    ['all, gzipped', gzipSync(bytes, { level: 9 }).length] as const,
  ]
  return table(
    ['of the file', 'bytes'],
    rows.map(([name, size]) => [name, grouped(size)]),
    [1],
  )
}

/** The program that takes the most memory. */
const largest = (programs: readonly Described[]): Described =>
  programs.reduce((most, own) => (own.bytes > most.bytes ? own : most))

/** The text of a program's memory, of the one that takes the most. */
function memoryText(programs: readonly Described[]): string[] {
  const { mode, rows, regions } = largest(programs)
  return [`Memory of ${mode} in batches of ${grouped(rows)}:`, '', regionsText(regions)]
}

/** A file of another maker. */
async function foreignText(path: string): Promise<string> {
  const { model, notes } = await readModel(path)
  const programs = plannedFor(model)
  return [
    model.summary(),
    '',
    ...notes.flatMap((note) => wrapped(`Note: ${note}`.split(' '), COLUMNS)),
    ...(notes.length > 0 ? [''] : []),
    `Batches of ${BATCH} would run:`,
    '',
    programsText(programs),
    '',
    ...memoryText(programs),
    '',
  ].join('\n')
}

export async function inspectCommand(args: readonly string[]): Promise<string> {
  const { values, file } = readArguments('inspect', args, { help: { type: 'boolean', short: 'h' } })
  if (values.help) return INSPECT_HELP
  const path = file()
  if (isForeign(path)) return foreignText(path)
  const bytes = readBytes(path)
  const told = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      return fail(`${path}: ${messageOf(error)}`)
    }
  }
  const frozen = told(() => frozenIn(bytes))
  if (frozen) {
    const { all } = await packageScript<typeof import('../run/modules.ts')>('run/modules')
    const { open } = await packageScript<typeof import('../run/index.ts')>('run')
    told(() => open(bytes, { modules: all })).dispose()
  }
  const blocks: string[] = []
  let model: Model | null = null
  try {
    model = loadFile(path, bytes, 'then console.log(model.summary())')
    blocks.push(model.summary())
  } catch (error) {
    if (!frozen) throw error
    blocks.push(...wrapped(`The layers can't be shown: ${messageOf(error)}`.split(' '), COLUMNS))
  }
  const programs = frozen ? describedIn(bytes, frozen) : told(() => plannedFor(model as Model))
  const title = frozen
    ? `${programs.length} frozen programs`
    : `No frozen programs; lanegrad freeze writes them. Batches of ${BATCH} would run`
  return [
    ...blocks,
    '',
    `${title}:`,
    '',
    programsText(programs),
    '',
    ...memoryText(programs),
    '',
    sizesText(bytes),
    '',
  ].join('\n')
}
