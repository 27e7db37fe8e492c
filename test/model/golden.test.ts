// Whole networks against PyTorch: every case of test/golden through the golden runner, then the runner itself: it
// must tell a wrong expectation and a wrong network from a right one. not-run.json lists the cases that need
// what the library doesn't have yet; it may only shrink.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { GoldenCase } from '../golden-runner/case.ts'
import { casesIn, goldenCommand } from '../golden-runner/command.ts'
import { runCase, toleranceOf } from '../golden-runner/run.ts'

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const cases = casesIn(pathOf('../golden'))
const notRun: readonly string[] = JSON.parse(readFileSync(pathOf('../golden-runner/not-run.json'), 'utf8'))

describe('golden cases', () => {
  test.each(cases.map((golden) => [golden.id, golden] as const))('%s', (id, golden) => {
    const { status, reasons } = runCase(golden)
    const isListed = notRun.includes(id)
    expect(reasons, isListed ? 'this case runs now: take it off not-run.json' : status).toEqual(
      isListed ? expect.arrayContaining([expect.stringMatching(/^no /)]) : [],
    )
    expect(status).toBe(isListed ? 'not run' : 'passed')
  })

  test('not-run.json is sorted and lists known cases, each once', () => {
    const known = new Set(cases.map(({ id }) => id))
    expect(notRun).toEqual([...new Set(notRun)].filter((id) => known.has(id)).sort())
  })
})

type Place = readonly (string | number)[]

/** The case with what stands at `place` put through `change`; undefined removes it. */
function changed(golden: GoldenCase, place: Place, change: (was: never) => unknown): GoldenCase {
  const copy = structuredClone(golden)
  let holder = copy as unknown as Record<string | number, unknown>
  for (const key of place.slice(0, -1)) holder = holder[key] as Record<string | number, unknown>
  const last = place[place.length - 1]
  const value = change(holder[last] as never)
  if (value === undefined) delete holder[last]
  else holder[last] = value
  return copy
}

const caseOf = (id: string): GoldenCase => cases.find((golden) => golden.id === id) as GoldenCase
const residual = caseOf('residual_dense') // sgd, 3 steps: x, d1, add, d2, add2, out

describe('a wrong expectation fails', () => {
  // Ours may be off by one tolerance, 4e-6, already: three can't be met. A loss has 16e-6 of the largest one.
  const numbers: readonly (readonly [number, Place])[] = [
    [12e-6, ['loss']],
    [100e-6, ['losses', 2]],
    [12e-6, ['lrs', 1]],
    [12e-6, ['grad_norms', 0]],
    [12e-6, ['grad_norms', 2]],
  ]
  test.each(numbers.map(([share, place]) => [place.join(' '), share, place] as const))(
    '%s',
    (_, share, place) => {
      for (const sign of [-1, 1]) {
        const wrong = changed(residual, ['expected', ...place], (was: number) => was * (1 + sign * share))
        const { status, reasons } = runCase(wrong)
        expect(status).toBe('failed')
        expect(reasons).toEqual([
          expect.stringMatching(new RegExp(`^${place[0]}: 1 of \\d outside, at ${place[1] ?? 0} `)),
        ])
      }
    },
  )

  const tensors = [
    ['forward', 'out'],
    ['forward_eval', 'out'],
    ['grads', 'd1/kernel'],
    ['grads', 'out/bias'],
    ['grad_inputs', 'x'],
    ['params_after', 'd2/kernel'],
    ['output_after', 'out'],
  ] as const
  const whole = changed(residual, ['expected', 'forward_eval'], () => residual.expected.forward)
  test.each(tensors)('%s of %s', (field, name) => {
    expect(runCase(whole)).toEqual({ status: 'passed', reasons: [] })
    const place = ['expected', field, name]
    const { tol, shape, data } = whole.expected[field]?.[name] ?? { tol: Number.NaN, shape: [], data: [] }
    const last = data.length - 1
    for (const index of [0, last]) {
      const wrong = changed(whole, [...place, 'data', index], (was: number) => was + 3 * tol)
      expect(runCase(wrong)).toEqual({
        status: 'failed',
        reasons: [expect.stringContaining(`${field} ${name}: 1 of ${data.length} outside, at ${index} `)],
      })
    }
    const { reasons: extra } = runCase(changed(whole, place, () => undefined))
    expect(extra).toEqual([`${field} ${name}: not expected`])
    const { reasons: short } = runCase(changed(whole, [...place, 'data'], () => data.slice(1)))
    expect(short).toEqual([`${field} ${name}: ${data.length} elements, expected ${last}`])
    const { reasons: shapes } = runCase(changed(whole, [...place, 'shape'], () => [1, ...shape]))
    expect(shapes).toEqual([`${field} ${name}: shape [${shape}], expected [1,${shape}]`])
  })

  test('a tensor the model does not have', () => {
    const tensor = { shape: [1], data: [0], tol: 1 }
    for (const field of ['grads', 'grad_inputs', 'params_after', 'state_after', 'output_after']) {
      const wrong = changed(residual, ['expected', field], (was: object) => ({ ...was, other: tensor }))
      expect(runCase(wrong).reasons).toEqual([`${field} other: missing`])
    }
  })

  test('numbers of more or fewer steps', () => {
    const wrong = changed(residual, ['expected', 'losses'], (was: number[]) => was.slice(1))
    expect(runCase(wrong).reasons).toEqual(['losses: 3 numbers, expected 2'])
  })
})

describe('a wrong network or training fails', () => {
  test.each<[string, string, Place, unknown, string]>([
    ['activation', 'residual_dense', ['model', 'layers', 0, 'config', 'activation'], 'gelu', 'forward'],
    ['connection', 'residual_dense', ['model', 'layers', 3, 'inputs'], ['d1', 'd2'], 'forward'],
    ['frozen layer', 'residual_dense', ['model', 'layers', 0, 'trainable'], false, 'grads'],
    ['loss', 'residual_dense', ['losses', 0, 'type'], 'mae', 'loss'],
    ['loss weight', 'residual_dense', ['losses', 0, 'weight'], 0.5, 'loss'],
    ['learning rate', 'residual_dense', ['optimizer', 'learning_rate'], 0.1251, 'lrs'],
    ['momentum', 'residual_dense', ['optimizer', 'momentum'], 0.01, 'params_after'],
    ['clip', 'residual_dense', ['optimizer', 'clip'], { type: 'global_norm', value: 8 }, 'params_after'],
    ['schedule', 'residual_dense', ['optimizer', 'schedule'], { type: 'exponential', gamma: 0.99 }, 'lrs'],
    [
      'sharing',
      'siamese_shared_layer',
      ['model', 'layers', 1],
      { name: 'enc2', type: 'Dense', inputs: ['x2'], config: { units: 4, activation: 'tanh' } },
      'params enc2/kernel: the model has it',
    ],
    [
      'regularizer',
      'regularizers_l1_l2',
      ['model', 'layers', 1, 'config', 'kernel_regularizer', 'l1'],
      0,
      'loss',
    ],
    ['sample weights', 'loss_sample_weight_mse', ['batches', 0, 'w'], undefined, 'loss'],
  ])('%s', (_, id, place, value, expected) => {
    expect(runCase(caseOf(id)).status).toBe('passed')
    const { status, reasons } = runCase(changed(caseOf(id), place, () => value))
    expect(status).toBe('failed')
    expect(reasons.some((reason) => reason.startsWith(expected))).toBe(true)
  })

  test('what the library refuses', () => {
    const wrong = changed(residual, ['model', 'layers', 0, 'config', 'unit'], () => 5)
    expect(runCase(wrong)).toEqual({
      status: 'failed',
      reasons: [expect.stringContaining('unknown dense option "unit"')],
    })
  })

  test('what the library does not have is not run', () => {
    const strange = changed(residual, ['model', 'layers', 1, 'type'], () => 'Capsule')
    const { status, reasons } = runCase(changed(strange, ['losses', 0, 'type'], () => 'focal'))
    expect(status).toBe('not run')
    expect(reasons).toEqual(['no layer Capsule', 'no loss focal'])
  })
})

test('toleranceOf: 4e-6 of the value, 16 deviations, 1e-7, whichever is most', () => {
  expect(toleranceOf(-100)).toBeCloseTo(4e-4, 12)
  expect(toleranceOf(1, 0.25)).toBe(4)
  expect(toleranceOf(0)).toBe(1e-7)
})

describe('golden command', () => {
  let folder = ''
  let printed: string[] = []
  let errors: string[] = []
  const printer = { log: (line: string) => printed.push(line), error: (line: string) => errors.push(line) }
  const write = (name: string, content: unknown) =>
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
  const file = (...list: readonly GoldenCase[]) => ({ format: 'nn-golden/1', group: 'some', cases: list })

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'golden-'))
    printed = []
    errors = []
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const wrong = changed(residual, ['expected', 'loss'], () => 8)
  const strange = changed(residual, ['model', 'layers', 1, 'type'], () => 'Capsule')

  test('counts, and skips index.json and what is not JSON', () => {
    write('some.json', file(residual, strange))
    write('index.json', '{')
    write('README.md', 'golden')
    expect(goldenCommand(['.'], folder, printer)).toBe(0)
    expect(printed).toEqual(['not run: residual_dense: no layer Capsule', '1 passed, 0 failed, 1 not run'])
  })

  test('a failure anywhere exits with 1 and is printed with its reason', () => {
    write('a.json', file(wrong))
    write('b.json', file(residual))
    expect(goldenCommand([folder], '/', printer)).toBe(1)
    expect(printed).toHaveLength(2)
    expect(printed[0]).toMatch(
      /^failed: residual_dense: loss: 1 of 1 outside, at 0 8\.5597\d+, expected 8 \+- 0\.000032$/,
    )
    expect(printed[1]).toBe('1 passed, 1 failed, 0 not run')
  })

  test.each<[string, string, unknown, RegExp]>([
    ['broken JSON', 'a.json', '{"format": ', /a\.json: broken JSON: /],
    [
      'another format',
      'a.json',
      { format: 'nn-golden/2', cases: [] },
      /a\.json: expected "format": "nn-golden\/1"/,
    ],
    ['no cases', 'a.json', { format: 'nn-golden/1' }, /a\.json: expected "cases", a list/],
    ['a case that is none', 'a.json', { format: 'nn-golden/1', cases: [{ id: 'x' }] }, /a\.json: case 0 /],
    ['an empty file list', 'a.json', file(), /no golden case in /],
    ['no JSON file', 'a.txt', '', /no golden file \(\*\.json\) in /],
  ])('%s exits with 2', (_, name, content, message) => {
    write(name, content)
    expect(goldenCommand([folder], '/', printer)).toBe(2)
    expect(errors).toEqual([expect.stringMatching(message)])
    expect(printed).toEqual([])
  })

  test('no such folder, no folder named', () => {
    expect(goldenCommand(['absent'], folder, printer)).toBe(2)
    expect(goldenCommand([], folder, printer)).toBe(2)
    expect(errors).toEqual([
      `golden: no such folder: ${join(folder, 'absent')}`,
      'golden: usage: npm run golden -- DIR',
    ])
  })
})
