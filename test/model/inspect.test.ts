// The prints of two small nets, whole: graph, memory map and program listing, against the texts in test/texts/. Every
// line of those texts was read and checked by hand: shapes, fusions, gradients, addresses, sizes, lifetimes, word
// counts; what to look for stands beside each net below. Nothing rewrites them but
//   UPDATE_TEXTS=1 npx vitest run test/model/inspect.test.ts
// and whoever does that reads them again. The arena starts at a fixed address here, so that a kernel's static data
// moves no line.
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  add,
  dense,
  input,
  LanegradError,
  type MetricName,
  type Optimizer,
  optimizers,
  type Symbolic,
  sequential,
} from '../../src/index.ts'
import { type Inspection, inspectionOf } from '../../src/model/inspect.ts'
import { computationOf, outlineOf } from '../../src/network/compute.ts'
import { networkOf } from '../../src/network/network.ts'
import { planOf } from '../../src/plan/plan.ts'
import { layoutOf } from '../../src/session/layout.ts'
import type { Request } from '../../src/session/program.ts'
import { type LossLike, readLoss } from '../../src/training/loss.ts'
import { updateOf } from '../../src/training/optimizer.ts'

const isUpdating = process.env.UPDATE_TEXTS === '1'
const BASE = 4096
const BATCH_SIZE = 4

interface Net {
  readonly inputs: readonly Symbolic[]
  readonly output: Symbolic
  readonly loss: LossLike
  readonly metrics: readonly MetricName[]
  readonly optimizer: Optimizer
}

/**
 * Bias and tanh fuse into the first matmul, the bias into the second; sigmoid stays, since the loss reads the logits
 * (code 8) and only the metric the probabilities. The seed of the loss is folded away. No gradient of the input, no
 * gradient through sigmoid. tanh's gradient is made in place of %18. Four parameters of one cache line each; sgd has
 * no slots. At operations 1 and 9 live 704 bytes; each scratch is 4 (32 + K (8 + M rounded up to 4)) bytes, to 64.
 */
function denseNet(): Net {
  const x = input({ shape: [2], name: 'x' })
  const hidden = dense({ name: 'hidden', units: 8, activation: 'tanh' })(x)
  const output = dense({ name: 'out', units: 1, activation: 'sigmoid' })(hidden)
  return {
    inputs: [x],
    output,
    loss: 'binaryCrossentropy',
    metrics: ['accuracy'],
    optimizer: optimizers.sgd(),
  }
}

/**
 * %3 + b can't accumulate onto b, an input, and is added in place of %3. The sum %4 is read by the inner layer and by
 * the skip, so its adjoint is %24 + %29; %24 is read by relu's gradient first, so that sum is no accumulating matmul
 * but is made in place of %24. The penalty's gradient adds onto %30, the matmul's, in the gradient's own place. The
 * loss %18 is made in place of %16. Adam has two slots. At operation 12 live 640 bytes.
 */
function residualNet(): Net {
  const a = input({ shape: [3], name: 'a' })
  const b = input({ shape: [4], name: 'b' })
  const sum = add({ name: 'sum' })(dense({ name: 'narrow', units: 4, useBias: false })(a), b)
  const inner = dense({ name: 'inner', units: 4, activation: 'relu', kernelRegularizer: { l2: 0.01 } })(sum)
  const output = dense({ name: 'out', units: 2 })(add({ name: 'skip' })(sum, inner))
  return { inputs: [a, b], output, loss: 'mse', metrics: [], optimizer: optimizers.adam() }
}

function textsOf({ inputs, output, loss, metrics, optimizer }: Net): Inspection {
  const { network } = networkOf(inputs, output)
  const { weights } = outlineOf(network)
  const outputs = [{ output: network.outputs[0].name, loss: readLoss(loss), weight: 1, metrics }]
  const request: Request = {
    ...{ mode: 'train', rows: BATCH_SIZE, training: false, inputGradients: false, weightShapes: [] },
    shapes: network.inputs.map(({ shape }) => shape.map((size) => size ?? 1)),
  }
  const { graph } = computationOf(network, outputs, request, null, 0)
  const update = updateOf(optimizer, 1)
  return inspectionOf(planOf(graph, layoutOf(BASE, weights, update.slotNames.length), weights, update))
}

describe.each([
  ['dense', denseNet()],
  ['residual', residualNet()],
] as const)('the %s net', (name, net) => {
  const inspection = textsOf(net)

  test.each(['graph', 'memory', 'program'] as const)('%s', (part) => {
    const path = new URL(`../texts/${name}.${part}.txt`, import.meta.url)
    const text = `${inspection[part]}\n`
    if (isUpdating) writeFileSync(path, text)
    expect(text).toBe(readFileSync(path, 'utf8'))
  })
})

test('what used to be a method of a model is refused by a message that shows what to write', () => {
  const model = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
  const { inspect, loadWeights, profile } = model as unknown as Record<string, () => unknown>
  expect(inspect).toThrow(
    new LanegradError("model.inspect: write inspect(model), with inspect from 'lanegrad/inspect'"),
  )
  expect(loadWeights).toThrow(
    new LanegradError("model.loadWeights: write loadWeights(model, bytes), with loadWeights from 'lanegrad'"),
  )
  expect(profile).toThrow(
    new LanegradError("model.profile: write profile(model, x, y), with profile from 'lanegrad/inspect'"),
  )
})
