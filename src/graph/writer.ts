// A growing graph. Enters: kernels, values and attributes. Leaves: operations in order, values with inferred shapes. Layers,
// losses and gradient rules all write through it, by the functions of operations.ts and ops/.
import { check, fail } from '../numerics/errors.ts'
import { type DType, type Shape, shapeText } from '../numerics/shape.ts'
import type { Graph } from './graph.ts'
import type { Kernel, Op, Phase, Writer } from './kernel.ts'
import { isValue, type LeafKind, type Value } from './value.ts'

export class GraphWriter implements Writer {
  readonly ops: Op[] = []
  phase: Phase = 'forward'
  /** The layer whose operations are being written. */
  label = ''
  /** The region of the operations being written, whose values are made again for the backward phase; 0 for none. */
  region = 0
  /** The change to make to the simplified graph, if a block asked for one (recompute.ts). */
  pass: ((graph: Graph) => Graph) | null = null
  /** Values that layers of a user's own made: nothing is assumed of them. */
  readonly opaque = new Set<Value>()
  private nextId = 0

  /** A value that no operation makes: an input, a weight, a constant. */
  leaf(kind: LeafKind, name: string, shape: Shape, dtype: DType = 'float32', data?: Float32Array): Value {
    return { id: this.nextId++, shape, dtype, leaf: { kind, name, data } }
  }

  /** A constant array; by default a scalar. */
  constant(data: number | Float32Array, shape: Shape = []): Value {
    const values = typeof data === 'number' ? Float32Array.of(data) : data
    const name = values.length === 1 ? String(values[0]) : `constant${this.nextId}`
    return this.leaf('constant', name, shape, 'float32', values)
  }

  /** Writes an operation: its output, then its extras. @throws LanegradError where the inputs don't fit it */
  add<A extends object>(
    kernel: Kernel<A>,
    inputs: readonly Value[],
    attributes: A,
  ): readonly [Value, ...Value[]] {
    const { name, int32 = [], keepsType } = kernel
    inputs.forEach((input, i) => {
      check(isValue(input), `what ${name} works on`, 'values of the graph', input)
      const { dtype, shape } = input
      if (dtype === 'int32' && !int32.includes(i))
        fail(`${name} takes float32 values, got int32 ${shapeText(shape)}`)
    })
    const [output, ...extras] = (kernel.shapes?.(inputs, attributes) ?? [inputs[0].shape]).map(
      (shape): Value => ({
        id: this.nextId++,
        shape,
        dtype: keepsType ? inputs[0].dtype : 'float32',
        leaf: null,
      }),
    )
    const { phase, label, region } = this
    this.ops.push({ kernel: kernel as Kernel, inputs, output, extras, attributes, phase, label, region })
    return [output, ...extras]
  }
}
