// The case table: every operation at ragged sizes, with every attribute that changes what it does. One case is
// compared with the float64 reference, its gradient with finite differences (ops.test.ts); the same table serves
// benchmarks. Enters: nothing. Leaves: plain data, and functions that draw a case's inputs and write it into a
// graph. Inputs stay away from kinks and ties, where a finite difference means nothing. Needs no test runner.

import { copy, unsliceKernel } from '../../src/graph/ops/moves.ts'
import type { Value } from '../../src/graph/value.ts'
import { uniform } from '../../src/numerics/random.ts'
import { elementCount } from '../../src/numerics/tensor.ts'
import type { TestBuilder } from '../support/builder.ts'
import type { Leaf } from '../support/run-graph.ts'
import { arithmeticCases } from './arithmetic.ts'
import type { CaseInput, OpCase } from './case.ts'
import { kernelCases } from './kernels.ts'
import { lossCases } from './losses.ts'
import { moveAndReductionCases } from './moves.ts'

export type { CaseInput, Domain, OpCase } from './case.ts'

export const opCases: readonly OpCase[] = [
  ...arithmeticCases,
  ...moveAndReductionCases,
  ...lossCases,
  ...kernelCases,
]

/** The numbers of one input: the same for the same case and position. */
function draw({ shape, domain }: CaseInput, seed: number, stream: number): Float32Array | Int32Array {
  const count = elementCount(shape)
  const out = new Float32Array(count)
  if ('classes' in domain) {
    uniform(out, seed, stream, 0, domain.classes)
    const ids = Int32Array.from(out, (x) => Math.min(Math.floor(x), domain.classes - 1))
    if (domain.ignored !== undefined) for (let i = 1; i < count; i += 3) ids[i] = domain.ignored
    return ids
  }
  if ('form' in domain) {
    uniform(out, seed, stream, 0.1, 1)
    if (domain.form === 'signs') return out.map((x) => (x > 0.55 ? 1 : -1))
    const cols = shape[shape.length - 1]
    for (let at = 0; at < count; at += cols) {
      const row = out.subarray(at, at + cols)
      const sum = row.reduce((a, b) => a + b, 0)
      const hit = row.indexOf(Math.max(...row))
      for (let k = 0; k < cols; k++) row[k] = domain.form === 'oneHot' ? Number(k === hit) : row[k] / sum
    }
    return out
  }
  const { from, to, avoid = [], via = (x: number) => x } = domain
  uniform(out, seed, stream, from, to)
  return out.map((x) => via(avoid.some((kink) => Math.abs(x - kink) < 0.02) ? x + 0.05 : x))
}

/** The arrays of a case; `seed` picks others. */
export const leavesOfCase = ({ inputs }: OpCase, seed = 1): Leaf[] =>
  inputs.map((input, i) => ({ shape: input.shape, data: draw(input, seed, i + 1) }))

/**
 * Writes the case's one operation on the first of `leaves`. An operation that takes over its last input's buffer gets a copy of
 * it.
 */
export function writeCase(
  g: TestBuilder,
  { kernel, attributes, inputs: { length: count } }: OpCase,
  leaves: readonly Value[],
): Value {
  const inputs = leaves.slice(0, count)
  if ('accumulate' in attributes && attributes.accumulate) inputs.push(copy(g, inputs.pop() as Value))
  if (kernel.name === unsliceKernel.name) inputs.push(g.constant(0.5))
  return g.add(kernel, inputs, attributes)[0]
}

/** The operations that have cases. */
export const opNames = [...new Set(opCases.map(({ kernel }) => kernel.name))]
