// The form of every operation: one object that holds its shapes, its instructions, its gradient rule, which buffers it
// shares, what it can be fused with and how it is printed. Passes ask this object; none asks which operation it is. The
// objects lie in ops/ (those that gradients and simplification are made of) and in src/operations (those of a module).

import type { KernelModule } from '../binaries/kernel-module.ts'
import type { Shape } from '../numerics/shape.ts'
import type { UnaryFunction } from './functions.ts'
import type { Value } from './value.ts'

/** Where a plan put things; bytes. */
export interface Addresses {
  of(value: Value): number
  readonly scratch: number
  /** The arena's header. */
  readonly header: number
}

/** One instruction, as the core walks it: 32-bit words as assembly/kernels read them, without the header word. */
export interface Instruction {
  /** OP_* */
  readonly code: number
  readonly operands: readonly number[]
}

/** One operation of a kernel, as the kernel's functions take it. */
export interface KernelCall<A> {
  readonly inputs: readonly Value[]
  readonly output: Value
  /** The outputs besides `output`: values that the gradient needs, or further results. */
  readonly extras: readonly Value[]
  readonly attributes: A
}

/** A unary function that a kernel applies to its result. */
export interface Epilogue {
  readonly fn: UnaryFunction
  readonly alpha: number
}

/**
 * The work that a kernel may do on its result in place of the operation that reads it: add a bias [size of the last axis], which
 * becomes its last input; add its result to an array of the same shape, its last input, in that one's buffer; apply a
 * function.
 */
export type Fusion = { readonly bias: true } | { readonly accumulate: true } | Epilogue

/** The writer through which gradient rules add operations; GraphWriter (writer.ts) is one. */
export interface Writer {
  /** The operations so far, in order. */
  readonly ops?: readonly Op[]
  /** Writes an operation: its output, then its extras. @throws LanegradError where the inputs don't fit it */
  add<A extends object>(
    kernel: Kernel<A>,
    inputs: readonly Value[],
    attributes: A,
  ): readonly [Value, ...Value[]]
  /** A constant array; by default a scalar. */
  constant(data: number | Float32Array, shape?: Shape): Value
}

/** One gradient per input, null where there is none; inputs behind the last one given have none. */
type Gradients = readonly (Value | null)[]

/** The numbers that a value can hold. */
export interface Range {
  readonly low: number
  readonly high: number
  /** Made by softmax: rows of the last axis sum to 1, or a move of such numbers. */
  readonly shares: 'rows' | 'moved' | null
  /** The layer whose activation, or lack of one, tells it. Default: the one the operation belongs to. */
  readonly layer?: string
}

/** The facts that are known of the inputs of an operation. */
export interface Known {
  /** null: nothing */
  rangeOf(value: Value): Range | null
  /** Whether it is a weight, under whatever shape, that can take any number. */
  isWeight(value: Value): boolean
}

interface CommonKernel<A> {
  readonly name: string
  /** The module its kernel lies in. Default: the core, which every program has. */
  readonly module?: KernelModule
  /** The module that its kernel calls where it has these attributes; null: none. Default: none. */
  calls?(attributes: A): KernelModule | null
  /**
   * Shape of the output, then of each extra. Default: one output with the shape of the first input. Throws (fail) where the
   * inputs don't fit.
   */
  shapes?(inputs: readonly Value[], attributes: A): readonly [Shape, ...Shape[]]
  /** Bytes of scratch, planned like any buffer. Default 0. */
  scratchBytes?(op: KernelCall<A>): number
  /** Positions of inputs that may be int32. Default: none. */
  readonly int32?: readonly number[]
  /** The output has the type of the first input. Default: float32. */
  readonly keepsType?: boolean
  /** Whether the output is the input under another shape, which lies in the same buffer and takes no instruction. */
  readonly view?: boolean
  /** The input that is overwritten: the output must lie in its buffer. Default: none. */
  shares?(op: KernelCall<A>): Value | null
  /** Positions of inputs whose buffer the output may take over, if they have its shape and die here. */
  readonly reuses?: readonly number[]
  /** The attributes with which it does this as well; null where it can't. Default: it can do nothing more. */
  fuse?(attributes: A, what: Fusion): A | null
  /** The function that whatever makes the input may apply itself. Default: it is something else than a function. */
  epilogue?(attributes: A): Epilogue
  /** Whether the output is the sum of the two inputs, which whatever makes one of them may add up itself. */
  isSum?(attributes: A): boolean
  /** Whether the output is the sums of the columns of its input, a matrix. */
  addsColumns?(op: KernelCall<A>): boolean
  /** The attributes with which it adds up the columns of its second input as well, as an extra; null where it can't. */
  addingColumns?(op: KernelCall<A>): A | null
  /** A text behind its name in prints of programs. */
  text?(attributes: A): string
  /** The numbers that the output can hold. Default null: any. */
  range?(op: KernelCall<A>, known: Known): Range | null
  /** Gradients by the inputs from that by the output. Without a rule, the operation can't be differentiated. */
  gradient?(g: Writer, op: KernelCall<A>, dy: Value): Gradients
  /** The same where extras have gradients: dys has that of the output and of each extra, null where none arrives. */
  gradients?(g: Writer, op: KernelCall<A>, dys: readonly (Value | null)[]): Gradients
}

/** An operand: a number, or a value, which stands for its address; none: 0. */
export type Word = number | Value | null | undefined

/**
 * Operands by their byte offsets as abi.ts names them, one or more from each on, without gaps. Such keys are in ascending
 * order.
 */
export interface Words {
  readonly [offset: number]: Word | readonly Word[]
}

/** The usual kernel: one instruction. */
interface OneInstruction<A> {
  /** OP_* */
  readonly code: number
  words(op: KernelCall<A>, at: Addresses): Words
}

/** A kernel of none or several. */
interface Instructions<A> {
  instructions(op: KernelCall<A>, at: Addresses): readonly Instruction[]
}

export type Kernel<A extends object = object> = CommonKernel<A> & (OneInstruction<A> | Instructions<A>)

/** `update`: after the gradients; what a layer keeps from step to step. */
export type Phase = 'forward' | 'backward' | 'update'

/** An operation of a graph. */
export interface Op<A extends object = object> extends KernelCall<A> {
  readonly kernel: Kernel<A>
  readonly phase: Phase
  /** The layer (or loss, metric ...) this operation belongs to: for prints, profiles and messages. */
  readonly label: string
  /** Operations of one number other than 0 are done again in the backward phase (recompute.ts). */
  readonly region?: number
}

/** Whether an operation is of this kernel, and its attributes that one's. */
export const isOf = <A extends object>(op: Op | undefined, kernel: Kernel<A>): op is Op<A> =>
  op?.kernel === kernel

export const instructionsOf = (op: Op, at: Addresses): readonly Instruction[] => {
  const { kernel } = op
  if (!('words' in kernel)) return kernel.instructions(op, at)
  const numberOf = (word: Word) => (typeof word === 'number' ? word : word ? at.of(word) : 0)
  const words: Word[] = Object.values(kernel.words(op, at)).flat()
  return [{ code: kernel.code, operands: words.map(numberOf) }]
}

/** The input whose buffer an operation must write into, if any. */
export const sharedInput = (op: Op): Value | null =>
  op.kernel.view ? op.inputs[0] : (op.kernel.shares?.(op) ?? null)

/** The values an operation makes. */
export const outputsOf = (op: Pick<Op, 'output' | 'extras'>): readonly Value[] => [op.output, ...op.extras]

/** The same without making a list, for what every plan does with every operation. */
export function eachOutput(
  { output, extras }: Pick<Op, 'output' | 'extras'>,
  visit: (value: Value) => void,
): void {
  visit(output)
  for (let i = 0; i < extras.length; i++) visit(extras[i])
}

/** An operation in words, its inputs and outputs aside: `matmul A^T.B (bias relu)`. */
export function kernelText({ kernel: { name, text }, attributes }: Op): string {
  return text ? `${name} ${text(attributes)}` : name
}
