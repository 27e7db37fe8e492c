// A session whose programs came with a file: it finds them, and makes none.
import { fail, reading } from '../numerics/errors.ts'
import { type Shape, shapeText } from '../numerics/shape.ts'
import { Arena } from '../runtime/arena.ts'
import { areSame } from '../session/prepared.ts'
import type { Finishes, Mode, Program, Request } from '../session/program.ts'
import { Session } from '../session/session.ts'
import { loadState } from '../session/state.ts'
import { frozenLayout, type Opened } from './read.ts'

/** What `freeze` calls the programs of a mode. */
const text = ({ mode, rows, weightShapes }: Request): string =>
  `${mode}: [${rows}]${weightShapes.some((shape) => shape !== null) ? ', sampleWeight: true' : ''}`

const areAllSame = (a: readonly (Shape | null)[], b: readonly (Shape | null)[]): boolean =>
  a.length === b.length && a.every((shape, i) => areSame(shape, b[i]))

export class FrozenSession extends Session {
  readonly known: readonly Program[]
  readonly finishes: Finishes | null
  protected override noun = 'trainer'

  constructor({ frozen, programs, tensors, metadata, code }: Opened) {
    const { weights, feeds, updating, base } = frozen
    const arena = new Arena()
    if (arena.base !== base)
      fail('the file was frozen by another build of the library: freeze the model again')
    super(weights, feeds, Number(metadata.seed), arena, frozenLayout(frozen))
    this.known = programs
    const { rateAt, sums, finishes } = code
    this.finishes = finishes
    if (updating) {
      const { schedule, ...rest } = updating
      // a schedule of the file may lack what its kind needs
      const rate = (base: number, step: number) =>
        reading('schedule', () => rateAt?.(schedule, base, step) ?? 0)
      this.start({ ...rest, rateAt: rateAt && rate, sums })
    }
    for (const { name } of weights) this.writeWeight(name, tensors.get(name)?.data as Float32Array)
    if (metadata.optimizerState !== undefined && updating) loadState(this, metadata.optimizerState, tensors)
  }

  /** Nothing watches the loss. */
  protected whenNotFinite(): void {}

  /** @throws LanegradError after dispose, and for good once a program has trapped: what it left behind can't be believed */
  override get engine(): Arena {
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
