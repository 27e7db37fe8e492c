// Enters: an initializer, a shape, a seed and a stream. Leaves: the initial weights, float32, row-major, in an array of the
// caller. They don't depend on the order in which layers are built: each weight takes the stream of its name (streamOf).
import { elementCount } from '../numerics/tensor.ts'
import { type Initializer, type InitializerName, readInitializer, UNIT_FORGET_BIAS } from './initializers.ts'

/** The drawer of uniform numbers, of which there may be millions: the engine, or numerics/random.ts. */
interface Source {
  uniform(out: Float32Array, seed: number, stream: number, low: number, high: number): void
}

/**
 * Sets `out`, which is all 0, to the initial weights of `shape`: they depend on nothing but the arguments.
 * @throws LanegradError on an unknown initializer, or from one that can't draw this shape (`orthogonal` below rank 2).
 */
export function initialize(
  out: Float32Array,
  initializer: Initializer | InitializerName,
  shape: readonly number[],
  seed: number,
  stream: number,
  source: Source,
): void {
  if (initializer === UNIT_FORGET_BIAS) {
    out.fill(1, out.length / 4, out.length / 2)
    return
  }
  const known = readInitializer(initializer)
  switch (known.kind) {
    case 'zeros':
      return
    case 'ones':
      out.fill(1)
      return
    case 'constant':
      out.fill(known.value)
      return
    case 'randomUniform':
      source.uniform(out, seed, stream, known.minValue, known.maxValue)
      return
    case 'glorotUniform':
    case 'heUniform':
    case 'lecunUniform': {
      const limit = Math.sqrt(3 * varianceOf(known.kind, shape))
      source.uniform(out, seed, stream, -limit, limit)
      return
    }
    default:
      known.draw(out, shape, seed, stream)
  }
}

/** The variance of the initializers that scale it by the fans of `shape`: the kind's name begins with whose rule it is. */
export function varianceOf(kind: string, shape: readonly number[]): number {
  const [fanIn, fanOut] = fansOf(shape)
  const scale = kind.startsWith('he') ? 2 : 1
  const fan = kind.startsWith('glorot') ? (fanIn + fanOut) / 2 : fanIn
  return scale / Math.max(1, fan)
}

/** [fanIn, fanOut]: dense [in, out]; convolution [...spatial, in, out] times the receptive field; [n] is n, n. */
export function fansOf(shape: readonly number[]): readonly [fanIn: number, fanOut: number] {
  const rank = shape.length
  if (rank < 2) return [shape[0] ?? 1, shape[0] ?? 1]
  const receptiveField = elementCount(shape.slice(0, -2))
  return [receptiveField * shape[rank - 2], receptiveField * shape[rank - 1]]
}
