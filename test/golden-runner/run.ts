// Runs one golden case and says how it went. Enters: a case. Leaves: passed, failed or not run, with a reason for
// each expectation not met. Every expectation of the case is compared, none is skipped, and by the case's own
// tolerances alone; a tensor too many counts as one too few. Keeps nothing: each run makes its own model.
import type { NamedArray, RuntimeOptions } from '../../src/index.ts'
import { splitAll, splitAllInTurns } from '../support/split-all.ts'
import { type GoldenModel, missing, modelOf, optimizerOf, tensorsOf } from './build.ts'
import type { Expected, ExpectedTensor, ExpectedTensors, GoldenBatch, GoldenCase } from './case.ts'

export interface Outcome {
  readonly status: 'passed' | 'failed' | 'not run'
  /** Why not passed; empty if passed. */
  readonly reasons: readonly string[]
}

type Arrays = Readonly<Record<string, NamedArray>>

/** The format's rule for a float32 result; `deviation` is how far off PyTorch's own float32 run was. */
export const toleranceOf = (want: number, deviation = 0): number =>
  Math.max(4e-6 * Math.abs(want), 16 * deviation, 1e-7)

/**
 * How far off PyTorch's float32 losses are: by rounding, 3e-7 of the largest at most in these cases. Of a deviation
 * no more than 1e-6 counts, or a wrong expected loss would widen its own tolerance until it fits.
 */
function deviationsOf({ losses = [], losses_f32 = [] }: Expected): number[] {
  const scale = Math.max(0.1, ...losses.map(Math.abs))
  return losses.map((loss, i) => Math.min(Math.abs((losses_f32[i] ?? loss) - loss), 1e-6 * scale))
}

/**
 * A norm may be off by the share that PyTorch's float32 loss of that step is off: where a loss is what is left of
 * larger numbers, so is its gradient. (A 16th of it: toleranceOf takes 16.)
 */
const normDeviations = ({ grad_norms = [], losses = [], losses_f32 = [] }: Expected): number[] =>
  grad_norms.map((norm, i) => {
    const share = losses[i] ? Math.abs((losses_f32[i] ?? losses[i]) / losses[i] - 1) : 0
    return (norm * Math.min(share, 1e-4)) / 16
  })

const shapeText = (shape: readonly number[]): string => `[${shape.join(',')}]`

const isOutside = (got: number, want: number, tolerance: number): boolean =>
  !(Math.abs(got - want) <= tolerance) // NaN is outside

function compareTensor(what: string, got: NamedArray, want: ExpectedTensor): string[] {
  if (shapeText(got.shape) !== shapeText(want.shape))
    return [`${what}: shape ${shapeText(got.shape)}, expected ${shapeText(want.shape)}`]
  if (got.data.length !== want.data.length)
    return [`${what}: ${got.data.length} elements, expected ${want.data.length}`]
  const outside = want.data.flatMap((value, i) => (isOutside(got.data[i], value, want.tol) ? [i] : []))
  if (outside.length === 0) return []
  const off = (i: number) => Math.abs(got.data[i] - want.data[i])
  const worst = outside.reduce((most, i) => (off(i) > off(most) || Number.isNaN(off(i)) ? i : most))
  const count = `${outside.length} of ${want.data.length} outside`
  return [`${what}: ${count}, at ${worst} ${got.data[worst]}, expected ${want.data[worst]} +- ${want.tol}`]
}

function compareTensors(what: string, got: Arrays, want: ExpectedTensors): string[] {
  const unexpected = Object.keys(got).filter((name) => !Object.hasOwn(want, name))
  return [
    ...Object.entries(want).flatMap(([name, expected]) =>
      Object.hasOwn(got, name)
        ? compareTensor(`${what} ${name}`, got[name], expected)
        : [`${what} ${name}: missing`],
    ),
    ...unexpected.map((name) => `${what} ${name}: not expected`),
  ]
}

function compareNumbers(
  what: string,
  got: readonly number[],
  want: readonly number[],
  deviations: readonly number[] = [],
): string[] {
  if (got.length !== want.length) return [`${what}: ${got.length} numbers, expected ${want.length}`]
  const tolerances = want.map((value, i) => toleranceOf(value, deviations[i]))
  const outside = want.flatMap((value, i) => (isOutside(got[i], value, tolerances[i]) ? [i] : []))
  if (outside.length === 0) return []
  const [first] = outside
  const count = `${outside.length} of ${want.length} outside`
  return [`${what}: ${count}, at ${first} ${got[first]}, expected ${want[first]} +- ${tolerances[first]}`]
}

/** Those of the names that `from` has. */
const pick = (from: Arrays, names: Iterable<string>): Record<string, NamedArray> =>
  Object.fromEntries([...names].filter((name) => Object.hasOwn(from, name)).map((name) => [name, from[name]]))

/** Global L2 norm. */
function normOf(gradients: Arrays): number {
  let sum = 0
  for (const { data } of Object.values(gradients)) for (const value of data) sum += value * value
  return Math.sqrt(sum)
}

/** A batch as trainStep and gradients take it; an output without sample weights has weight 1. */
function argumentsOf({ x, y, w }: GoldenBatch) {
  const ones = (rowCount: number) => ({ shape: [rowCount], data: Array<number>(rowCount).fill(1) })
  const weights = Object.entries(y).map(([name, { shape }]) => [name, w?.[name] ?? ones(shape[0])])
  const options = w ? { sampleWeight: tensorsOf(Object.fromEntries(weights)) } : {}
  return [tensorsOf(x), tensorsOf(y), options] as const
}

/** Outputs, loss and gradients at the first weights. */
function checkFirst(model: GoldenModel, golden: GoldenCase): string[] {
  const { expected } = golden
  const [x, y, options] = argumentsOf(golden.batches[0])
  const inference = model.predict(x)
  const training = model.predict(x, { training: true })
  const found = model.gradients(x, y, { ...options, inputs: true })
  const isWeight = (name: string) => !Object.hasOwn(x, name)
  return [
    ...compareTensors('forward_eval', inference, expected.forward_eval ?? expected.forward),
    ...compareTensors('forward', training, expected.forward),
    ...compareTensors('grads', pick(found, Object.keys(found).filter(isWeight)), expected.grads),
    ...compareTensors('grad_inputs', pick(found, Object.keys(x)), expected.grad_inputs),
  ]
}

/** The losses of the steps, then what they led to. */
function checkSteps(model: GoldenModel, golden: GoldenCase): string[] {
  const { expected, batches, steps, params, state } = golden
  const batchOf = (step: number) => argumentsOf(batches[step % batches.length])
  const losses: number[] = []
  const norms: number[] = []
  for (let step = 0; step < Math.max(steps, 1); step++) {
    const [x, y, options] = batchOf(step)
    const before = pick(model.getWeights(), Object.keys(state))
    norms.push(normOf(model.gradients(x, y, options)))
    model.setWeights(before) // moving statistics are to see each batch once
    losses.push(model.trainStep(x, y, options).loss)
  }
  const deviations = deviationsOf(expected)
  const reasons = compareNumbers('loss', losses.slice(0, 1), [expected.loss], deviations)
  if (steps === 0) return reasons

  const {
    losses: wanted = [],
    lrs = [],
    grad_norms = [],
    params_after = {},
    state_after = {},
    output_after = {},
  } = expected
  const { schedule, learningRate } = optimizerOf(golden.optimizer)
  const rates = losses.map((_, step) => schedule?.rateAt(learningRate, step) ?? learningRate)
  const after = model.getWeights()
  return [
    ...reasons,
    ...compareNumbers('losses', losses, wanted, deviations),
    ...compareNumbers('lrs', rates, lrs),
    ...compareNumbers('grad_norms', norms, grad_norms, normDeviations(expected)),
    ...compareTensors('params_after', pick(after, Object.keys(params)), params_after),
    ...compareTensors('state_after', pick(after, Object.keys(state)), state_after),
    ...compareTensors('output_after', model.predict(batchOf(0)[0]), output_after),
  ]
}

/** Ends the model, too. */
function check(model: GoldenModel, golden: GoldenCase): string[] {
  try {
    const given = tensorsOf({ ...golden.params, ...golden.state })
    const own = Object.keys(model.getWeights())
    const absent = own.filter((name) => !Object.hasOwn(given, name))
    if (absent.length > 0) return absent.map((name) => `params ${name}: the model has it, the case doesn't`)
    model.setWeights(given)
    const reasons = checkFirst(model, golden)
    model.setWeights(given)
    return [...reasons, ...checkSteps(model, golden)]
  } finally {
    model.dispose()
  }
}

const outcomeOf = (reasons: readonly string[]): Outcome => ({
  status: reasons.length === 0 ? 'passed' : 'failed',
  reasons,
})

/** Runs a case to its end; an error thrown on the way is a failure. */
export function runCase(golden: GoldenCase, runtime: RuntimeOptions = {}): Outcome {
  try {
    const lacking = missing(golden)
    if (lacking.length > 0) return { status: 'not run', reasons: lacking }
    const model = modelOf(golden, runtime)
    splitAll(model.session.engine)
    return outcomeOf(check(model, golden))
  } catch (error) {
    return outcomeOf([String(error)])
  }
}

/** The same, for browsers: waits for threads in turns of the event loop. */
export async function runCaseInTurns(golden: GoldenCase, runtime: RuntimeOptions): Promise<Outcome> {
  try {
    const lacking = missing(golden)
    if (lacking.length > 0) return { status: 'not run', reasons: lacking }
    const model = modelOf(golden, runtime)
    await splitAllInTurns(model.session.engine)
    return outcomeOf(check(model, golden))
  } catch (error) {
    return outcomeOf([String(error)])
  }
}
