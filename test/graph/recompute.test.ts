// Blocks: layers under one name, and gradient checkpointing: the same bits of loss, gradients, kept statistics and
// trained weights as without it, in less memory.
import { describe, expect, test } from 'vitest'
import {
  activation,
  add,
  batchNormalization,
  block,
  conv2d,
  customLayer,
  dense,
  dropout,
  embedding,
  flatten,
  input,
  type Layer,
  layerNormalization,
  load,
  lstm,
  type Model,
  maxNorm,
  model,
  multiHeadAttention,
  prelu,
  randomNormal,
  type Symbolic,
  sequential,
} from '../../src/index.ts'
import { inspect } from '../../src/inspect/index.ts'
import { refused } from '../support/refused.ts'

type Net = Model<Symbolic>

/** Bytes of the transient region of a training step. */
function peakOf(net: Net, batchSize: number): number {
  const [, digits] = /transient peak ([\d ,_]+) bytes/.exec(inspect(net, { batchSize }).memory) ?? []
  return Number(digits.replace(/\D/g, ''))
}

const noise = (i: number) => Math.sin(i * 12.9898) * 2
const rows = (count: number, shape: readonly number[]): number[] | number[][] => {
  const size = shape.reduce((a, b) => a * b, 1)
  const nest = (at: number, axes: readonly number[]): unknown =>
    axes.length === 0
      ? noise(at)
      : Array.from({ length: axes[0] }, (_, i) => nest(at * axes[0] + i, axes.slice(1)))
  return nest(size, [count, ...shape]) as number[][]
}

type Arrays = Readonly<Record<string, { readonly data: Float32Array }>>
function sameBits(got: Arrays, want: Arrays): void {
  expect(Object.keys(got)).toEqual(Object.keys(want))
  for (const [name, { data }] of Object.entries(want)) {
    const ints = new Int32Array(data.buffer)
    expect(
      new Int32Array(got[name].data.buffer).findIndex((n, i) => n !== ints[i]),
      name,
    ).toBe(-1)
  }
}

/** Both forms of a net of blocks, on the same data: everything a step computes must be the same bits. */
function same(build: (recompute: boolean) => Net, x: unknown, y: unknown): [plain: Net, again: Net] {
  const nets = [false, true].map((recompute) => build(recompute).compile({ optimizer: 'adam', loss: 'mse' }))
  const [plain, again] = nets
  sameBits(again.getWeights(), plain.getWeights())
  const [gradients, recomputed] = nets.map((net) =>
    net.gradients(x as number[], y as number[], { inputs: true }),
  )
  sameBits(recomputed, gradients)
  for (let step = 0; step < 3; step++) {
    const logs = nets.map((net) => net.trainStep(x as number[], y as number[]))
    expect(logs[1]).toEqual(logs[0])
  }
  sameBits(again.getWeights(), plain.getWeights())
  return [plain, again]
}

describe('recompute', () => {
  test('a deep net: less than half of the memory', () => {
    const deep = (recompute: boolean) =>
      sequential({
        inputShape: [64],
        seed: 3,
        layers: [
          ...Array.from({ length: 8 }, () =>
            block({
              layers: Array.from({ length: 6 }, () => dense({ units: 64, activation: 'tanh' })),
              recompute,
            }),
          ),
          dense({ units: 1 }),
        ],
      })
    const [plain, again] = same(deep, rows(48, [64]), rows(48, [1]))
    // kept without: 48 activations; with: those of 8 blocks' ends and of one block's inside
    const activation = 48 * 64 * 4
    expect(peakOf(plain, 48)).toBeGreaterThanOrEqual(48 * activation)
    expect(peakOf(again, 48)).toBeLessThan(18 * activation)
  })

  test('functions that save their input, weights beyond one block of depth, sums onto an input', () => {
    // 300 wide: a product in two blocks of depth, whose bits tell whether it was added onto the other summand
    const residual = (recompute: boolean): Net => {
      const x = input({ shape: [300] })
      let value: Symbolic = dense({ units: 300 })(x)
      for (let i = 0; i < 3; i++) {
        const inner = block({
          layers: [dense({ units: 300, activation: 'gelu' }), prelu(), dense({ units: 300 })],
          recompute,
        })
        value = add()(dense({ units: 300 })(value), inner(value))
      }
      return model({ inputs: x, outputs: dense({ units: 2 })(value), seed: 1 })
    }
    same(residual, rows(5, [300]), rows(5, [2]))
  })

  test('a product added onto what comes from outside of the block: that is still there for the second time', () => {
    const initializer = randomNormal({ stddev: 1 })
    const shifted = customLayer({
      kind: 'shifted',
      // for batches of 6: x has no other reader, so that the product is accumulated in its place
      build({ g, weight }, [x]) {
        const product = g.matmul(
          weight('a', [6, 300], { initializer }),
          weight('b', [300, 4], { initializer }),
        )
        const [batch] = x.shape
        return g.plus(x, batch === 6 ? product : g.slice(product, 0, 0, batch))
      },
    })
    const build = (recompute: boolean) =>
      sequential({
        inputShape: [4],
        layers: [
          dense({ units: 4 }),
          block({ layers: [shifted(), activation({ activation: 'gelu' }), dense({ units: 4 })], recompute }),
        ],
      })
    const [plain, again] = same(build, rows(6, [4]), rows(6, [4]))
    const count = (net: Net) => inspect(net, { batchSize: 6 }).program.match(/accumulate/g)?.length
    expect([count(plain), count(again)]).toEqual([1, 2])
  })

  test('random layers draw the same numbers again; statistics move once', () => {
    const build = (recompute: boolean) =>
      sequential({
        inputShape: [6],
        seed: 9,
        layers: [
          block({
            layers: [
              dense({ units: 9 }),
              batchNormalization(),
              dropout({ rate: 0.4 }),
              dense({ units: 9, activation: 'relu' }),
            ],
            recompute,
          }),
          block({ layers: [batchNormalization(), dense({ units: 2, activation: 'softmax' })], recompute }),
        ],
      })
    const [plain, again] = same(build, rows(7, [6]), rows(7, [2]))
    const moved = Object.entries(again.getWeights()).filter(([name]) => name.includes('moving_mean'))
    expect(moved.length).toBe(2)
    for (const [, { data }] of moved) expect(data.some((value) => value !== 0)).toBe(true)
    const x = rows(7, [6])
    expect(again.predict(x)).toEqual(plain.predict(x))
  })

  test('convolutions, normalization and attention', () => {
    const image = (recompute: boolean) =>
      sequential({
        inputShape: [6, 5, 2],
        layers: [
          block({
            layers: [
              conv2d({ filters: 4, kernelSize: 3, padding: 'same', activation: 'relu' }),
              conv2d({ filters: 3, kernelSize: 3, kernelConstraint: maxNorm({ axis: [0, 1, 2] }) }),
            ],
            recompute,
          }),
          flatten(),
          dense({ units: 2 }),
        ],
      })
    same(image, rows(3, [6, 5, 2]), rows(3, [2]))
    const text = (recompute: boolean): Net => {
      const x = input({ shape: [5, 8] })
      const attended = multiHeadAttention({ numHeads: 2, keyDim: 4 })(x, x)
      const inside = block({
        layers: [layerNormalization(), dense({ units: 8, activation: 'silu' })],
        recompute,
      })
      return model({ inputs: x, outputs: inside(add()(attended, inside(x))) })
    }
    same(text, rows(3, [5, 8]), rows(3, [5, 8]))
  })

  test('a block in a block, and a block called twice', () => {
    const build = (recompute: boolean): Net => {
      const inner = block({ layers: [dense({ units: 4, activation: 'mish' })], recompute })
      const outer = block({
        layers: [dense({ units: 4, activation: 'gelu' }), inner, dense({ units: 4 })],
        recompute,
      })
      const x = input({ shape: [4] })
      return model({ inputs: x, outputs: outer(outer(x)) })
    }
    same(build, rows(6, [4]), rows(6, [4]))
  })

  test('changes nothing where no gradients are asked for', () => {
    const [plain, again] = [false, true].map((recompute) =>
      sequential({ inputShape: [3], layers: [block({ layers: [dense({ units: 2 })], recompute })] }),
    )
    expect(inspect(again, { mode: 'predict' })).toEqual(inspect(plain, { mode: 'predict' }))
  })
})

describe('a block', () => {
  const layers = (): Layer[] => [dense({ units: 3, activation: 'tanh', name: 'first' }), dense({ units: 2 })]
  test('is its layers in a row; weights are named after both', () => {
    const net = sequential({ inputShape: [4], layers: [block({ layers: layers(), name: 'own' })] })
    const plain = sequential({ inputShape: [4], layers: layers() })
    const weights = net.getWeights()
    expect(Object.keys(weights)).toEqual([
      'own/first/kernel',
      'own/first/bias',
      'own/dense_2/kernel',
      'own/dense_2/bias',
    ])
    plain.setWeights({
      'first/kernel': weights['own/first/kernel'],
      'dense_1/kernel': weights['own/dense_2/kernel'],
    })
    expect(net.predict(rows(3, [4]))).toEqual(plain.predict(rows(3, [4])))
  })

  test('is saved and loaded with its names', () => {
    const net = sequential({
      inputShape: [4],
      layers: [block({ layers: [block({ layers: layers(), recompute: true }), dense({ units: 1 })] })],
    }).compile({ loss: 'mse' })
    const again = load(net.save())
    for (const each of [net, again]) each.trainStep(rows(2, [4]), rows(2, [1]))
    expect(again.getWeights()).toEqual(net.getWeights())
    expect(again.save()).toEqual(net.save())
  })

  test('passes masks on, as layers in a row do', () => {
    const inside = () => [dense({ units: 5, name: 'd' }), lstm({ units: 4, name: 'l' })]
    const ids = embedding({ inputDim: 7, outputDim: 3, maskZero: true, name: 'e' })
    const options = { inputShape: [4], inputDtype: 'int32', seed: 5 } as const
    const blocked = sequential({ ...options, layers: [ids, block({ layers: inside(), name: 'b' })] })
    const plain = sequential({ ...options, layers: [ids, ...inside()] })
    const own = Object.entries(plain.getWeights())
    blocked.setWeights(
      Object.fromEntries(own.map(([name, w]) => [name.startsWith('e') ? name : `b/${name}`, w])),
    )
    const x = [
      [1, 2, 0, 0],
      [3, 4, 5, 6],
    ]
    expect(blocked.predict(x)).toEqual(plain.predict(x))
    const short = plain.predict([[1, 2, 0, 0]]).data
    expect(short).not.toEqual(plain.predict([[1, 2, 1, 1]]).data)
  })

  test('refused: no layers, names that are taken, an inner trainable, an inner layer that does not fit', () => {
    refused('block: layers must be a list of layers; got []', () => block({ layers: [] }))
    refused('block: layers[0] must be a layer; got 3', () => block({ layers: [3 as unknown as Layer] }))
    refused('block: names must be a list of unique names; got ["a","a"]', () =>
      block({ layers: [dense({ units: 1, name: 'a' }), dense({ units: 1, name: 'a' })] }),
    )
    refused('block: layers[1]: trainable must be an option of the block; got false', () =>
      block({ layers: [dense({ units: 1 }), dense({ units: 1, trainable: false })] }),
    )
    refused('block: recompute must be a boolean; got "yes"', () =>
      block({ layers: layers(), recompute: 'yes' as unknown as boolean }),
    )
    refused(/^layer b: expected an input/, () =>
      sequential({
        inputShape: [4],
        layers: [block({ layers: [conv2d({ filters: 1, kernelSize: 1 })], name: 'b' })],
      }),
    )
  })
})
