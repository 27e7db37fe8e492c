// What a console prints of models, layers and their values: lines that tell what they are, in the runtimes that ask a value
// for its print. The built library is printed by those that are here. Needs `npm run build:js` (npm test does it).
import { spawnSync } from 'node:child_process'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import {
  add,
  concatenate,
  customLayer,
  customLoss,
  dense,
  flatten,
  input,
  load,
  lstm,
  model,
  sequential,
} from '../../src/index.ts'
import { serveModels, workerModel } from '../../src/worker/index.ts'
import { runtimes } from '../runtimes/runtimes.ts'

const net = () =>
  sequential({
    inputShape: [2],
    layers: [dense({ units: 300, activation: 'relu' }), dense({ units: 1, name: 'out' })],
  })

describe('a model', () => {
  test('from its making to its end', () => {
    const made = net()
    const shapes = '\n  inputs: input [batch,2]\n  outputs: out [batch,1]\n  '
    expect(inspect(made)).toBe(`Model of 1,201 parameters, simd${shapes}not compiled`)
    made.compile({ optimizer: 'sgd', loss: 'mse' })
    const compiled = `${shapes}compiled: sgd, meanSquaredError`
    expect(inspect(made)).toBe(`Model of 1,201 parameters, simd${compiled}`)
    expect(inspect(load(made.save()))).toBe(inspect(made))
    made.dispose()
    expect(inspect(made)).toBe(`Model of 1,201 parameters, disposed${compiled}`)
  })

  test('of several inputs and outputs, without weights', () => {
    const a = input({ shape: [2], name: 'a' })
    const b = input({ shape: [null, 2], name: 'b' })
    const outputs = { sum: add()(a, a), steps: concatenate()(b, b) }
    const several = model({ inputs: [a, b], outputs })
    several.compile({ loss: { sum: 'mae', steps: customLoss('mine', (g, y, p) => g.minus(y, p)) } })
    expect(inspect(several)).toBe(
      `Model of 0 parameters, simd
  inputs: a [batch,2], b [batch,any,2]
  outputs: sum [batch,2], steps [batch,any,4]
  compiled: adam, meanAbsoluteError, mine`,
    )
  })

  test('of names without end, inside of what is printed', () => {
    const inputs = Array.from({ length: 40 }, (_, i) => input({ shape: [1], name: `${'n'.repeat(120)}${i}` }))
    const wide = model({ inputs, outputs: concatenate()(inputs) })
    for (const line of inspect({ wide, list: [wide] }).split('\n')) expect(line.length).toBeLessThan(220)
  })

  test('is no property that others see', () => {
    const made = net()
    expect(Reflect.ownKeys({ ...made })).not.toContain(inspect.custom)
    expect(Object.getOwnPropertySymbols(made)).toEqual([inspect.custom])
  })
})

test('layers and values', () => {
  const x = input({ shape: [4, 2], name: 'x' })
  const named = dense({ units: 3, name: 'head' })
  expect(inspect(x)).toBe('input x [batch,4,2]')
  expect(inspect(input({ shape: [] }))).toBe('input [batch]')
  expect(inspect(flatten())).toBe('layer flatten {}')
  expect(inspect(named)).toMatch(/^layer head: dense \{"units":3,"activation":\{"name":"linear",.*…$/)
  expect(inspect(named)).toHaveLength(201)
  expect(inspect(flatten()(x))).toBe('output 0 of layer flatten {}')
  const [, state] = lstm({ units: 3, returnState: true, name: 'q' })(x) as unknown as readonly object[]
  expect(inspect(state)).toMatch(/^output 1 of layer q: lstm \{"units":3,/)
})

test('a config that throws', () => {
  let isBroken = false
  const config = {
    a: {
      toJSON() {
        if (isBroken) throw new Error('broken')
      },
    },
  }
  Object.defineProperty(config.a, 'toJSON', { enumerable: false })
  const layer = customLayer({ kind: 'mine', config, build: (_, [v]) => v })()
  isBroken = true
  expect(inspect(layer)).toBe('an unreadable function')
})

test('a model in a worker', async () => {
  const { port1: worker, port2: port } = new MessageChannel()
  serveModels({ port: port as never })
  const remote = await workerModel(net(), { worker })
  expect(inspect(remote)).toBe('WorkerModel, calls under way: 0')
  const asked = remote.predict([[1, 2]])
  expect(inspect(remote)).toBe('WorkerModel, calls under way: 1')
  await asked
  await remote.close()
  worker.close()
  expect(inspect(remote)).toBe('WorkerModel, this worker model was closed')
})

const program = `import { dense, input, sequential } from '${new URL('../../dist/index.js', import.meta.url)}'
const made = sequential({ inputShape: [2], layers: [dense({ units: 1 })] })
console.log(made)
made.dispose()
console.log(made, input({ shape: [2] }), dense({ units: 1, useBias: false }))`
const flags: Readonly<Record<string, readonly string[]>> = {
  deno: ['eval', '--ext=mjs'],
  bun: ['-e'],
}
const printers = runtimes.filter(({ name, find }) => /^(node|deno$|bun$)/.test(name) && find())

test.each(printers.map((runtime) => [runtime.name, runtime] as const))('%s prints them', (name, { find }) => {
  const args = [...(flags[name] ?? ['--input-type=module', '-e']), program]
  const { stdout, stderr } = spawnSync(find() as string, args, { encoding: 'utf8' })
  expect(stderr).toBe('')
  const shapes = '  inputs: input [batch,2]\n  outputs: dense_1 [batch,1]\n  not compiled'
  expect(stdout).toContain(
    `Model of 3 parameters, simd\n${shapes}\nModel of 3 parameters, disposed\n${shapes} input [batch,2] layer dense {"units":1,`,
  )
})
