// A session whose programs came with a file: it finds them, and makes none.
import { fail, reading } from '../numerics/errors.ts'
import { type Shape, shapeText } from '../numerics/shape.ts'
import type { Batch } from '../rows/rows.ts'
import { Arena, plainMachine } from '../runtime/arena.ts'
import { type Prepared, preparedOf } from '../session/prepared.ts'
import type { Finishes, Mode } from '../session/program.ts'
import { Session } from '../session/session.ts'
import { loadState } from '../session/state.ts'
import { frozenLayout, type Opened } from './read.ts'

export class FrozenSession extends Session {
  readonly known: readonly Prepared[]
  readonly finishes: Finishes | null
  override noun = 'trainer'

  constructor({ frozen, programs, tensors, metadata, code }: Opened, core: WebAssembly.Module | null) {
    const { weights, feeds, updating, base } = frozen
    const arena = new Arena(plainMachine(core))
    if (arena.base !== base)
      fail('the file was frozen by another build of the library: freeze the model again')
    super(weights, feeds, Number(metadata.seed), arena, frozenLayout(frozen))
    this.known = programs.map((program) => preparedOf(program, feeds))
    const { rateAt = null, sums = null, finishes = null } = code
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
      fail(`this trainer can't go on, since its program failed: ${engine.failure}; open the file anew`)
    return engine
  }

  /** The sizes of batches there are programs for, falling. */
  sizes(mode: Mode): number[] {
    const own = this.known.flatMap(({ request }) => (request.mode === mode ? request.rows : []))
    return own.sort((a, b) => b - a)
  }

  /** Whether the programs of a mode take sample weights of an output, by place. */
  weightShapes(mode: Mode): readonly (Shape | null)[] {
    return this.known.find(({ request }) => request.mode === mode)?.request.weightShapes ?? []
  }

  /** @throws LanegradError that names the sizes there are */
  prepareFor(mode: Mode, { weights }: Batch, rows: number): Prepared {
    const found = this.known.find(({ request }) => request.mode === mode && request.rows === rows)
    if (found) return found
    const given = this.feeds.inputs.map(({ shape }) => shapeText([rows, ...(shape as Shape)])).join(', ')
    const have = this.sizes(mode).reverse().join(', ') || 'none'
    const weighted = weights.some(Boolean) ? ', sampleWeight: true' : ''
    return fail(
      `no program for ${mode} with inputs ${given}: batch sizes frozen for it are ${have}; freeze(model, { ${mode}: [${rows}]${weighted} }) makes one`,
    )
  }
}
