// Runs a graph on the wasm core through the real pipeline: GraphWriter -> differentiate -> simplify -> planOf ->
// Engine. Enters: a function that writes operations, arrays for its leaves. Leaves: results and gradients as copies,
// and everything on the way, for tests that look inside. Before a run the whole plan's memory is filled with NaN:
// what reads memory nobody wrote shows itself. Importable without a test runner.

import { differentiate } from '../../src/graph/gradient.ts'
import type { Op } from '../../src/graph/kernel.ts'
import { simplify } from '../../src/graph/simplify.ts'
import type { LeafKind, Value } from '../../src/graph/value.ts'
import { GraphWriter } from '../../src/graph/writer.ts'
import type { Shape } from '../../src/numerics/shape.ts'
import { elementCount } from '../../src/numerics/tensor.ts'
import { type Plan, planOf } from '../../src/plan/plan.ts'
import type { Engine } from '../../src/runtime/engine.ts'
import type { Slot } from '../../src/runtime/program.ts'
import { layoutOf, type ParameterSpec } from '../../src/session/layout.ts'
import { type TestBuilder, testBuilder } from './builder.ts'

/** A leaf: its array and what it is. Default kind: input. Its name in the graph is `x0`, `x1` ... */
export interface Leaf {
  readonly shape: Shape
  readonly data: Float32Array | Int32Array
  readonly kind?: Exclude<LeafKind, 'constant'>
}

/** What a builder function asks for. */
export interface Wanted {
  readonly results: Readonly<Record<string, Value>>
  /** The scalar to differentiate, and the leaves to differentiate by. */
  readonly loss?: Value
  readonly by?: readonly Value[]
}

export interface Run {
  readonly results: Readonly<Record<string, Float32Array>>
  /** By leaf name; a leaf the loss doesn't depend on has none. */
  readonly gradients: Readonly<Record<string, Float32Array>>
}

export interface Prepared {
  readonly plan: Plan
  /** As written, before simplification: what the float64 reference evaluates. */
  readonly ops: readonly Op[]
  readonly wanted: Wanted
  /** The gradient of each leaf of `by`, as a value of `ops`. */
  readonly gradientValues: readonly (Value | null)[]
  readonly leaves: ReadonlyMap<Value, Float32Array | Int32Array>
}

/** From a builder function to a plan; `base` is where the arena starts. */
export function prepareGraph(
  base: number,
  write: (g: TestBuilder, leaves: readonly Value[]) => Wanted,
  leaves: readonly Leaf[],
): Prepared {
  const g = new GraphWriter()
  const values = leaves.map(({ shape, data, kind = 'input' }, i) =>
    g.leaf(kind, `x${i}`, shape, data instanceof Int32Array ? 'int32' : 'float32'),
  )
  const wanted = write(testBuilder(g), values)
  const gradients = new Map<string, Value>()
  g.phase = 'backward'
  const found = wanted.loss ? differentiate(g, wanted.loss, wanted.by ?? []) : []
  found.forEach((value, i) => {
    if (value) gradients.set(wanted.by?.[i].leaf?.name ?? '', value)
  })
  const specs = values
    .filter((value) => value.leaf?.kind === 'parameter')
    .map((value): ParameterSpec => ({ name: value.leaf?.name ?? '', shape: value.shape, trainable: true }))
  const results = new Map(Object.entries(wanted.results))
  const plan = planOf(
    simplify({ ops: g.ops, results, gradients, updates: new Map() }),
    layoutOf(base, specs, 0),
    specs,
    null,
  )
  const data = new Map(values.map((value, i) => [value, leaves[i].data] as const))
  return { plan, ops: g.ops, wanted, gradientValues: found, leaves: data }
}

/** Fills the plan's data with NaN, loads the program and writes the leaves. */
export function feed(engine: Engine, { plan, leaves }: Prepared): void {
  engine.reserve(plan.end)
  const fill = (start: number, end: number) => engine.floatView(start, (end - start) / 4).fill(Number.NaN)
  fill(plan.layout.trainable.start, plan.layout.end)
  // between lie the constants, behind it the program, which `load` writes only when the plan isn't loaded yet
  fill(plan.dataStart, plan.programStart)
  engine.load(plan)
  for (const [{ leaf }, data] of leaves) {
    const name = leaf?.name ?? ''
    const places = { input: plan.inputs, target: plan.targets, sampleWeight: plan.sampleWeights }
    const address =
      leaf?.kind === 'parameter' || leaf?.kind === 'constant' || !leaf
        ? plan.layout.parameters.get(name)
        : places[leaf.kind].get(name)?.address
    if (address !== undefined) engine.write(address, data) // else the simplified graph doesn't read it
  }
}

/** Copies of the results and gradients that are in the arena now. */
export function collect(engine: Engine, { plan }: Prepared): Run {
  const read = (slots: ReadonlyMap<string, Slot>) =>
    Object.fromEntries(
      [...slots].map(([name, { address, shape }]) => [
        name,
        engine.floatView(address, elementCount(shape)).slice() as Float32Array,
      ]),
    )
  return { results: read(plan.results), gradients: read(plan.gradients) }
}

/** Builds, plans and runs once, forward and backward. */
export function runGraph(
  engine: Engine,
  write: (g: TestBuilder, leaves: readonly Value[]) => Wanted,
  leaves: readonly Leaf[],
): Run & { readonly prepared: Prepared } {
  const prepared = prepareGraph(engine.base, write, leaves)
  feed(engine, prepared)
  engine.forward()
  engine.backward()
  return { ...collect(engine, prepared), prepared }
}
