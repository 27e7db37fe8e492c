// A growing graph. Enters: kernels, values and attributes. Leaves: operations in order, values with inferred shapes. Layers,
// losses and gradient rules all write through it, by the functions of operations.ts and ops/.
import { check, fail } from '../numerics/errors.ts'
import { type DType, type Shape, shapeText } from '../numerics/shape.ts'
import type { IdLimit } from '../session/feeds.ts'
import type { Graph } from './graph.ts'
import type { Kernel, Op, Phase, Writer } from './kernel.ts'
import { isValue, type LeafKind, type Value } from './value.ts'

/** The masks of values: 1 for steps that count, 0 for others, [batch, steps]. The first layer that sets one brings them (masks.ts). */
export interface Masks {
  /** null: all steps count. */
  of(value: Value): Value | null
  set(value: Value, mask: Value | null): void
  /** Gives `value` the mask of what it is made from, unless the call has set one or it has other axes. */
  inherit(value: Value, mask: Value): void
  /** A call is at its end: its outputs have the product of its inputs' masks, unless it has set others. */
  handOn(inputs: readonly Value[], outputs: readonly Value[]): void
  /** The mask that the loss of a prediction takes: of what has axes behind the steps. */
  ofLoss(prediction: Value): LossMask | null
}

/** What a mask makes of the weights of a loss. */
export interface LossMask {
  /** The mask itself. */
  readonly steps: Value
  /** Weights of samples or of their steps, times the mask. */
  times(weights: Value | null): Value
  /**
   * The same where the loss is a mean: masked steps weigh nothing, and the mean is over the others (Keras: mask * count /
   * sum(mask)). kept and all: the rows that count, with the mask and without, as writeRowCount has them.
   */
  mean(weights: Value | null, kept: Value, all: Value | null): Value
}

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
  /** null: no value has a mask. */
  masks: Masks | null = null
  /** The rule for the ids of an input, by its name. */
  readonly limits = new Map<string, IdLimit>()
  /** The new value of a weight after the run, by its name (assign.ts). */
  readonly assigned = new Map<string, Value>()
  /** The names of weights as an earlier call of the run has left them. */
  readonly moved = new Map<Value, string>()
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
        fail(`${name} takes float32 values; got int32 ${shapeText(shape)}`)
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
