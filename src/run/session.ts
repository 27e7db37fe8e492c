// A session whose programs came with a file: it finds them, and makes none.
import { fail, reading } from '../numerics/errors.ts'
import { type Shape, shapeText } from '../numerics/shape.ts'
import type { Engine } from '../runtime/engine.ts'
import { areSame, type Prepared, preparedOf } from '../session/prepared.ts'
import type { Mode, Program, Request } from '../session/program.ts'
import { learningRateAt, type ScheduleData } from '../session/rates.ts'
import { Session } from '../session/session.ts'
import { loadState } from '../session/state.ts'
import type { Opened } from './read.ts'

/** What `freeze` calls the programs of a mode. */
const text = ({ mode, rows, weightShapes }: Request): string =>
  `${mode}: [${rows}]${weightShapes.some((shape) => shape !== null) ? ', sampleWeight: true' : ''}`

const areAllSame = (a: readonly (Shape | null)[], b: readonly (Shape | null)[]): boolean =>
  a.length === b.length && a.every((shape, i) => areSame(shape, b[i]))

export class FrozenSession extends Session {
  private readonly known: readonly Program[]
  protected override noun = 'trainer'

  constructor({ frozen, programs, tensors, metadata }: Opened) {
    const { weights, feeds, updating, base } = frozen
    super(weights, feeds, Number(metadata.seed), {})
    this.known = programs
    if (this.engine.base !== base)
      fail('the file was frozen by another build of the library: freeze the model again')
    if (updating) {
      const { schedule, ...rest } = updating
      const kept = schedule as ScheduleData | null
      // a schedule of the file may lack what its kind needs
      const rateAt = (base: number, step: number) =>
        reading('schedule', () => learningRateAt(kept, base, step))
      this.arrange(weights, { ...rest, rateAt }, feeds)
    }
    for (const { name } of weights) this.writeWeight(name, tensors.get(name)?.data as Float32Array)
    if (metadata.optimizerState !== undefined && updating) loadState(this, metadata.optimizerState, tensors)
  }

  /** @throws LanegradError after dispose, and for good once a program has trapped: what it left behind can't be believed */
  override get engine(): Engine {
    const engine = super.engine
    if (engine.failure)
      fail(`this trainer can't go on, its program failed: ${engine.failure}; open the file anew`)
    return engine
  }

  /** The sizes of batches there are programs for, falling. */
  sizes(mode: Mode): readonly number[] {
    const own = this.known.flatMap(({ request }) => (request.mode === mode ? request.rows : []))
    return own.sort((a, b) => b - a)
  }

  /** Whether the programs of a mode take sample weights of an output, by place. */
  weightShapes(mode: Mode): readonly (Shape | null)[] {
    return this.known.find(({ request }) => request.mode === mode)?.request.weightShapes ?? []
  }

  /** A program that trains, for its update. @throws LanegradError where none was frozen */
  get trained(): Prepared {
    const found =
      this.known.find(({ request }) => request.mode === 'train') ??
      fail('no program that trains: freeze(model, { train: [1] }) makes one')
    return this.last('train') ?? preparedOf(found, this.feeds)
  }

  protected make(request: Request): Program {
    const { mode, rows, shapes } = request
    const ofMode = this.known.filter((program) => program.request.mode === mode)
    const found = ofMode.find(
      ({ request: own }) =>
        own.rows === rows &&
        areAllSame(own.shapes, shapes) &&
        areAllSame(own.weightShapes, request.weightShapes),
    )
    if (found) return found
    const have = ofMode.map((program) => program.request.rows).join(', ') || 'none'
    const given = shapes.map((shape) => shapeText([rows, ...shape])).join(', ')
    return fail(
      `no program for ${mode} with inputs ${given}: batch sizes frozen for it are ${have}; freeze(model, { ${text(request)} }) makes one`,
    )
  }
}
