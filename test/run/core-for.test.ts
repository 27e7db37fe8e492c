// The core for one file: functions that its programs never call are gone, so that another file's programs stop there with an
// error; what isn't a frozen file, or no core, is refused. That the bits stay the same, every test of a frozen trainer shows.
import { expect, test } from 'vitest'
import { coreFor, freeze } from '../../src/freeze/index.ts'
import { dense, type LossName, sequential } from '../../src/index.ts'
import { open } from '../../src/run/index.ts'
import { extras } from '../../src/run/modules.ts'
import { wholeCore } from '../support/frozen.ts'
import { refused } from '../support/refused.ts'

function frozen(activation: 'relu' | 'tanh', loss: LossName): Uint8Array<ArrayBuffer> {
  const model = sequential({
    inputShape: [3],
    layers: [dense({ units: 4, activation }), dense({ units: 2, activation: 'softmax' })],
    seed: 1,
  }).compile({ optimizer: 'sgd', loss })
  return freeze(model, { train: [2] })
}
const rows = frozen('relu', 'sparseCategoricalCrossentropy')
const x = [
  [1, 2, 3],
  [3, 2, 1],
]

test('it is a part of the whole core, and compiles', () => {
  const core = coreFor(rows, wholeCore())
  expect(core.length).toBeLessThan(0.85 * wholeCore().length)
  expect(open(rows, { core: new WebAssembly.Module(core) }).trainStep(x, [0, 1])).toEqual(
    open(rows).trainStep(x, [0, 1]),
  )
  expect(coreFor(rows.buffer, wholeCore().buffer)).toEqual(core)
})

test('it is for this file alone: the programs of another one stop, and say so', () => {
  const core = coreFor(rows, wholeCore())
  const tanh = open(frozen('tanh', 'sparseCategoricalCrossentropy'), { core })
  refused('the kernels stopped: unreachable', () => tanh.predict(x))
  refused(/^this trainer can't go on/, () => tanh.predict(x))
  const squares = open(frozen('relu', 'meanSquaredError'), { core, modules: [extras] })
  refused('the kernels stopped: unreachable', () =>
    squares.trainStep(
      x,
      x.map(() => [0, 1]),
    ),
  )
})

test('without weight decay it has no decayed form of Adam, without biases no sums beside products', () => {
  const sizeOf = (optimizer: 'sgd' | 'adam' | 'adamw', useBias = true) => {
    const layers = [4, 2].map((units) => dense({ units, useBias }))
    const model = sequential({ inputShape: [3], layers, seed: 1 })
    const file = freeze(model.compile({ optimizer, loss: 'meanSquaredError' }), { train: [2] })
    return coreFor(file, wholeCore()).length
  }
  expect(sizeOf('sgd')).toBeLessThan(sizeOf('adam') - 800)
  expect(sizeOf('adam')).toBeLessThan(sizeOf('adamw') - 900)
  expect(sizeOf('sgd', false)).toBeLessThan(sizeOf('sgd') - 200)
})

test('what is no frozen file, and no core', () => {
  const saved = sequential({ inputShape: [1], layers: [dense({ units: 1 })] }).save()
  refused('coreFor: file: it has no programs (freeze makes them, save does not)', () =>
    coreFor(saved, wholeCore()),
  )
  refused('coreFor: core: expected the bytes of core.wasm', () => coreFor(rows, rows))
  const other = new Uint8Array([
    0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 4, 1, 2, 0, 11,
  ])
  refused('coreFor: core: expected the core.wasm of this release of lanegrad', () => coreFor(rows, other))
  refused(/^open: core must be a Uint8Array/, () => open(rows, { core: 3 as never }))
})
