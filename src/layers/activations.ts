// Activation functions by name. Enters: a name, or { name, alpha }. Leaves: the operation, written into a graph.

import { type UnaryName, unaryFunctions } from '../graph/functions.ts'
import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import type { GraphWriter } from '../graph/writer.ts'
import { entryOf, FINITE, isObject, must, NON_NEGATIVE, POSITIVE, type Rule } from '../numerics/errors.ts'

interface ActivationRow {
  /** Default: that of the activation's name. */
  readonly fn?: UnaryName | 'softmax' | 'logSoftmax'
  readonly alpha?: number
  readonly rule?: Rule<number>
}

/** Each name's operation; `alpha` is the parameter's default for those that have one. */
const activations = {
  linear: {},
  relu: {},
  relu6: {},
  leakyRelu: { alpha: 0.2, rule: NON_NEGATIVE },
  elu: { alpha: 1, rule: POSITIVE },
  celu: { alpha: 1, rule: POSITIVE },
  selu: {},
  gelu: {},
  geluTanh: {},
  silu: {},
  swish: { fn: 'silu' },
  sigmoid: {},
  logSigmoid: {},
  tanh: {},
  softplus: {},
  softsign: {},
  hardSigmoid: { alpha: 1 / 6, rule: NON_NEGATIVE },
  hardSwish: {},
  hardTanh: {},
  mish: {},
  exponential: { fn: 'exp' },
  square: {},
  softmax: {},
  logSoftmax: {},
} as const satisfies Record<string, ActivationRow>

/** The name of an activation. */
export type ActivationName = keyof typeof activations

/**
 * An activation: its name, or its name with `alpha`: the slope of `leakyRelu` for x < 0 (default 0.2), the alpha of
 * `elu` and `celu` (default 1), the slope of `hardSigmoid` (default 1/6, for which 0 stands as well; 0.2 in TensorFlow.js and
 * Keras 2), which is clip(alpha x + 1/2, 0, 1). `gelu` is the exact one (erf).
 */
export type Activation = ActivationName | { readonly name: ActivationName; readonly alpha?: number }

/** The checked form; undefined is 'linear'. `what` names the option. @throws LanegradError on an unknown name or a bad alpha */
export function readActivation(
  activation: Activation | undefined,
  what: string,
): { name: ActivationName; alpha: number } {
  const { name, alpha } = isObject(activation)
    ? activation
    : { name: activation ?? 'linear', alpha: undefined }
  const row = entryOf<ActivationRow>(what, name, activations)
  return { name, alpha: must(row.rule ?? FINITE, alpha ?? row.alpha ?? 0, `${what} ${name}: alpha`) }
}

/** Writes the activation of x into the graph; softmax and logSoftmax work on the last axis. */
export function activate(
  g: GraphWriter,
  activation: { name: ActivationName; alpha: number },
  x: Value,
): Value {
  const { fn = activation.name as UnaryName }: ActivationRow = activations[activation.name]
  if (fn === 'softmax' || fn === 'logSoftmax') return ops.softmax(g, x, fn === 'logSoftmax')
  return ops.unary(g, unaryFunctions[fn], x, activation.alpha)
}
