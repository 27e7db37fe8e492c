// Layers against numbers that PyTorch made in float64 (the scripts of test/layers/torch). Enters: a case, and the model of it.
// Leaves: expectations on outputs and gradients, and on the same model loaded, frozen and on two threads.
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { type FloatArray, load, type Model, type NamedArray, sgd, tensor } from '../../src/index.ts'
import { differences } from './frozen.ts'

/** Weights and gradients by the names that they have in their layer; `x1`, `x2`: gradients by the inputs. */
export interface TorchCase {
  readonly x: readonly FloatArray[]
  readonly weights: Readonly<Record<string, FloatArray>>
  readonly y: FloatArray
  readonly gradients: Readonly<Record<string, FloatArray>>
}

export const torchCases = (file: string): Readonly<Record<string, TorchCase>> =>
  JSON.parse(readFileSync(new URL(`../layers/torch/${file}`, import.meta.url), 'utf8'))

export const flat = ({ shape, data }: FloatArray) =>
  tensor(Float32Array.from(data as ArrayLike<number>), [...shape])

/** Each number within 4e-6 of the largest. */
export function near(got: ArrayLike<number>, want: ArrayLike<number>, what: string): void {
  expect(got.length, what).toBe(want.length)
  const largest = Math.max(...Array.from(want, Math.abs), 0.1)
  Array.from(want).forEach((value, i) => {
    expect(Math.abs(got[i] - value), `${what} ${i}: ${got[i]} against ${value}`).toBeLessThan(4e-6 * largest)
  })
}

/** The output in training, and the gradients of mean(y^2), of a model of one layer; then saved and loaded. */
export function expectTorch(net: Model, { x, weights, y, gradients }: TorchCase): void {
  const nameOf = (own: string) =>
    /^x\d$/.test(own) ? own : `${net.layers[net.layers.length - 1].name}/${own}`
  net.setWeights(
    Object.fromEntries(Object.entries(weights).map(([own, array]) => [nameOf(own), flat(array)])),
  )
  net.compile({ optimizer: sgd(), loss: 'meanSquaredError' })
  const given = x.map(flat) as never
  const output = net.predict(given, { training: true }) as FloatArray
  expect(output.shape).toEqual(y.shape)
  near(output.data, y.data, 'y')
  const zeros = tensor(new Float32Array(y.data.length), [...y.shape]) as never
  const got = net.gradients(given, zeros, { inputs: true })
  expect(Object.keys(got).sort()).toEqual(Object.keys(gradients).map(nameOf).sort())
  for (const [own, { data }] of Object.entries(gradients)) near(got[nameOf(own)].data, data, own)
  expect((load(net.save()).predict(given, { training: true }) as FloatArray).data).toEqual(output.data)
}

/** The same bits of training and predicting frozen and on two threads. */
export async function expectSameBits(
  net: Model,
  threaded: Model,
  x: readonly NamedArray[],
  y: readonly NamedArray[],
): Promise<void> {
  const start = net.getWeights()
  const begin = (model: Model) => {
    model.setWeights(start)
    model.compile({ optimizer: 'adam', loss: 'mse' })
  }
  for (const model of [net, threaded]) begin(model)
  const fed = { x: x as never, y: y as never }
  expect(await differences(net, x[0].shape[0], 2, () => fed)).toEqual([])
  begin(net)
  for (let step = 0; step < 2; step++)
    expect(threaded.trainStep(fed.x, fed.y)).toEqual(net.trainStep(fed.x, fed.y))
  expect(threaded.getWeights()).toEqual(net.getWeights())
}
