// The part of a frozen file beside the saved model: the programs, and all that a session must know to run them. Numbers that are
// many lie in tensors whose names no weight can have; the rest is one JSON text of the metadata.
import {
  anyObject,
  byName,
  type Form,
  type Formed,
  flag,
  list,
  natural,
  number,
  oneOf,
  optional,
  orNull,
  positive,
  record,
  text,
  tuple,
} from '../formats/schema.ts'
import type { DType, RowShape, Shape } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'
import type { Slot } from '../runtime/program.ts'
import type { Feeds } from './feeds.ts'
import type { Finish, LossReading, MeanReading, Mode, Readings, Request } from './program.ts'

/** The key of the metadata. */
export const FROZEN_KEY = 'frozen'

/** In the names of tensors of programs: `#0/words` are the words of the first one, `#0/0` is its first constant. */
export const PROGRAM_MARK = '#'

const shape: Form<Shape> = list(natural)
const dtype: Form<DType> = oneOf('float32', 'int32')

const request = record<Pick<Request, 'mode' | 'rows' | 'weightShapes'>>({
  mode: oneOf<Mode>('predict', 'evaluate', 'train', 'gradients'),
  rows: positive,
  weightShapes: list(orNull(shape)),
})

const mean = record<MeanReading>({
  key: text,
  value: natural,
  counter: natural,
  terms: number,
  finish: optional(oneOf<Finish>('sqrt', 'exp', 'complement')),
})

const readings: Form<Readings> = record<Readings>({
  loss: natural,
  losses: list(
    record<LossReading>({ key: text, value: natural, counter: natural, isSum: flag, weight: number }),
  ),
  metrics: list(mean),
  isSplit: flag,
})

const addresses = byName(natural)

const program = record({
  request,
  programStart: natural,
  /** Where forward, backward and update end. */
  phaseEnds: tuple<readonly [number, number, number]>(natural, natural, natural),
  sums: list(tuple<readonly [number, number]>(natural, natural)),
  modules: list(text),
  /** The address of each constant. */
  constants: list(natural),
  /** The address of each. */
  inputs: addresses,
  targets: addresses,
  sampleWeights: addresses,
  /** [address, shape, type] of each. */
  results: byName(tuple<readonly [number, Shape, DType]>(natural, shape, dtype)),
  /** The address of each, where they are what the program is for. */
  gradients: addresses,
  end: natural,
  readings,
  groups: list(orNull(natural)),
})
export type FrozenProgram = Formed<typeof program>

const structure = oneOf('single', 'list', 'record')

const feeds: Form<Feeds> = record<Feeds>({
  inputs: list(
    record({
      name: text,
      shape,
      dtype,
      limit: orNull(record({ layer: text, count: natural })),
    }),
  ),
  inputStructure: structure,
  outputs: list(text),
  outputStructure: structure,
  targets: list(
    record({
      ...{ name: text, shape, dtype, loss: text },
      low: (what, value) => orNull(number)(what, value) ?? -Infinity,
      high: (what, value) => orNull(number)(what, value) ?? Infinity,
      columns: natural,
      ignoreIndex: orNull(number),
    }),
  ),
  rows: optional(positive),
})

/** The JSON; infinite limits of targets are null in it. */
export const frozenForm = record({
  /** ABI_VERSION of the library that wrote it. */
  abi: natural,
  /** Address of the arena. */
  base: natural,
  /** In the order of the arena. */
  weights: list(record({ name: text, shape, trainable: flag })),
  feeds,
  /** null: the model wasn't compiled. */
  updating: orNull(
    record({
      learningRate: number,
      /** A schedule, as its constructor makes it. */
      schedule: orNull(anyObject),
      steps: natural,
      groups: natural,
      slotNames: list(text),
      slotStart: number,
    }),
  ),
  programs: list(program),
})
export type Frozen = Formed<typeof frozenForm>

/** Data of a program by what it is called, with the shape of a row. */
type Named = { readonly name: string; readonly shape: RowShape; readonly dtype?: DType }

/** The slots of a file's addresses, `before` (the rows) in front of the shapes. @throws LanegradError on too many elements */
export function placed(
  addresses: ReadonlyMap<string, number>,
  named: readonly Named[],
  before: Shape,
): Map<string, Slot> {
  const slots = new Map<string, Slot>()
  for (const { name, shape: own, dtype = 'float32' } of named) {
    const address = addresses.get(name)
    const shape = [...before, ...(own as Shape)]
    if (address !== undefined) slots.set(name, { address, shape, dtype, count: elementCount(shape, name) })
  }
  return slots
}

/** Where a program has its inputs, targets and sample weights. */
export const fedSlots = (
  { request: { rows, weightShapes }, inputs, targets, sampleWeights }: FrozenProgram,
  feeds: Feeds,
) => ({
  inputs: placed(inputs, feeds.inputs, [rows]),
  targets: placed(targets, feeds.targets, [rows]),
  sampleWeights: placed(
    sampleWeights,
    feeds.targets.map(({ name }, i) => ({ name, shape: weightShapes[i] ?? [] })),
    [rows],
  ),
})
