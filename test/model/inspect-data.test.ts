// Inspection as data: its operations and buffers are those of the texts, and they hold what a memory map must: whatever
// an operation reads or writes lies in a buffer that lives then, and no two that live at once overlap.
import { describe, expect, test } from 'vitest'
import { add, dense, dropout, input, type Model, model, optimizers, sequential } from '../../src/index.ts'
import { inspect } from '../../src/inspect/index.ts'

function chain(): Model {
  const net = sequential({
    inputShape: [6],
    layers: [
      dense({ units: 5, activation: 'tanh', kernelRegularizer: { l2: 0.01 } }),
      dropout({ rate: 0.5 }),
      dense({ units: 3, activation: 'softmax' }),
    ],
  })
  return net.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy', metrics: ['accuracy'] })
}

function residual(): Model {
  const x = input({ shape: [4], name: 'x' })
  const inner = dense({ name: 'inner', units: 4, activation: 'relu' })(x)
  const net = model({ inputs: x, outputs: dense({ name: 'out', units: 1 })(add()(inner, x)) })
  return net.compile({ optimizer: optimizers.sgd({ clipNorm: 1 }), loss: 'mse' }) as unknown as Model
}

const nets = [
  ['chain', chain()],
  ['residual', residual()],
] as const
const modes = ['predict', 'evaluate', 'train', 'gradients'] as const
const cases = nets.flatMap(([name, net]) => modes.map((mode) => ({ name, net, mode })))

describe.each(cases)('$name, $mode', ({ net, mode }) => {
  const { operations, buffers, graph, memory, program } = inspect(net, { mode, batchSize: 4 })

  test('operations are those of the graph, then the updates', () => {
    const lines = graph.split('\n').filter((line) => /^ {2}%/.test(line))
    const ofGraph = operations.slice(0, lines.length)
    expect(ofGraph.map(({ writes }) => writes.join(', '))).toEqual(
      lines.map((line) => line.trim().split(' = ')[0]),
    )
    for (const { phase, operation } of operations.slice(lines.length)) {
      expect(phase).toBe('update')
      expect(program).toContain(`  ${operation}`)
    }
    expect(operations.length > lines.length).toBe(mode === 'train')
  })

  test('transient buffers are those of the memory map', () => {
    const [, , table] = memory.split(/\n\n|transient buffer.*\n-.*\n/)
    const rows = table.split('\n').map((line) => line.trim().replaceAll(',', '').split(/ {2,}/))
    const transient = buffers.filter(({ isTransient }) => isTransient)
    expect(
      transient.map(({ name, address, bytes, first, last }) =>
        [name, address, address + bytes, bytes, `${first}-${last}`].join(' '),
      ),
    ).toEqual(rows.map((cells) => cells.join(' ')))
  })

  test('what is read and written has a place then', () => {
    operations.forEach(({ reads, writes }, i) => {
      for (const value of [...reads, ...writes]) {
        const buffer = buffers.find(({ values }) => values.includes(value))
        expect(buffer, value).toBeDefined()
        expect(buffer?.first).toBeLessThanOrEqual(i)
        expect(buffer?.last).toBeGreaterThanOrEqual(i)
      }
    })
  })

  test('no two buffers that live at once overlap', () => {
    for (const a of buffers)
      for (const b of buffers) {
        const together = a.first <= b.last && b.first <= a.last
        if (a !== b && together)
          expect(
            a.address + a.bytes <= b.address || b.address + b.bytes <= a.address,
            `${a.name}, ${b.name}`,
          ).toBe(true)
      }
  })

  test('weights and, where they are made, their gradients are named', () => {
    const names = buffers.map(({ name }) => name)
    for (const name of Object.keys(net.getWeights())) {
      expect(names).toContain(name)
      if (mode === 'train' || mode === 'gradients') expect(names).toContain(`gradient of ${name}`)
    }
  })
})
