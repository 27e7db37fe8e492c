// The inputs of an ONNX graph: how their axes can be read, which are ids, what they are called.
import { fail } from '../../numerics/errors.ts'
import { BATCH } from './flows.ts'
import type { GraphInput, OnnxGraph, Operator } from './read.ts'

/** How the inputs are read: the sizes of their axes, and which of these is the number of samples. */
export interface Plan {
  readonly shapes: readonly (readonly number[])[]
  readonly each: boolean
  readonly ownBatch: number | null
}

/** The ids among the inputs: those that Gather takes as indices, as they are or under another shape. */
export function idsIn(operators: readonly Operator[], inputs: readonly GraphInput[]): ReadonlySet<string> {
  const makers = new Map(operators.flatMap((node) => node.outputs.map((name) => [name, node] as const)))
  const names = new Set(inputs.filter(({ type }) => type === 'int').map(({ name }) => name))
  const ids = new Set<string>()
  for (const { op, inputs: given } of operators) {
    if (op !== 'Gather') continue
    let name = given[1]
    for (let i = 0; i < 100; i++) {
      const maker = makers.get(name)
      if (
        !maker ||
        !['Cast', 'Reshape', 'Squeeze', 'Unsqueeze', 'Identity', 'Flatten', 'Transpose'].includes(maker.op)
      )
        break
      name = maker.inputs[0]
    }
    if (names.has(name)) ids.add(name)
  }
  return ids
}

/** The axes of the inputs in the two ways in which they can be read: samples first, and a whole run as one sample. */
export function plansOf({ inputs }: OnnxGraph, given: Readonly<Record<string, readonly number[]>>): Plan[] {
  // a name tells where the samples lie, if they aren't first
  const named = inputs.flatMap(({ shape }) => shape).find((n) => /batch/.test(String(n)))
  const first = typeof inputs[0].shape[0] === 'number' && named ? named : inputs[0].shape[0]
  const open = new Set<string>()
  const sized = inputs.map(({ name, shape }) => {
    const own = Object.hasOwn(given, name) ? given[name] : null
    if (own && own.length !== shape.length - 1)
      fail(`loadOnnx: inputShapes: ${name} has ${shape.length - 1} axes beside that of samples; got [${own}]`)
    return shape.map((n, axis) => {
      const isSamples = axis === 0 ? n === null || n === first : typeof n === 'string' && n === first
      if (isSamples) return { size: typeof n === 'number' ? n : null, isSamples }
      const size = axis > 0 && own ? own[axis - 1] : typeof n === 'number' ? n : null
      if (size === null) open.add(`axis ${axis} of input ${name}${typeof n === 'string' ? ` (${n})` : ''}`)
      return { size, isSamples }
    })
  })
  if (open.size > 0)
    fail(
      `loadOnnx: the file leaves sizes open: ${[...open].join(', ')}; give the shape without the axis of samples, ` +
        `for example loadOnnx(bytes, { inputShapes: { ${JSON.stringify(inputs[0].name)}: [...] } })`,
    )
  const areFirst = sized.every((axes) => axes.some(({ isSamples }) => isSamples))

  const plans: Plan[] = []
  if (areFirst)
    plans.push({
      shapes: sized.map((axes) => axes.map(({ size, isSamples }) => (isSamples ? BATCH : (size as number)))),
      each: false,
      ownBatch: typeof first === 'number' ? first : null,
    })
  // a run of one sample, where the file leaves their number open
  if (sized.every((axes) => axes.every(({ size, isSamples }) => size !== null || isSamples)))
    plans.push({
      shapes: sized.map((axes) => axes.map(({ size }) => size ?? 1)),
      each: true,
      ownBatch: null,
    })
  return plans
}

/** Names of inputs as lanegrad takes them. */
export function inputNames(inputs: readonly GraphInput[]): string[] {
  const taken = new Set<string>()
  return inputs.map(({ name }) => {
    const base = name.replaceAll(/[/#:\s]+/g, '.').slice(0, 100) || 'input'
    let own = base in Object.prototype || base === 'optimizer' ? `${base}_` : base
    for (let i = 2; taken.has(own); i++) own = `${base}_${i}`
    taken.add(own)
    return own
  })
}
