// The conformance suite on the runtimes of this machine, in a short form: an eighth of the golden cases, all nets, no
// new runtime after some seconds. `npm run test:runtimes` runs all of it. Then what the suite must find, and what the
// edge example must refuse.
import { describe, expect, test } from 'vitest'
import { type Question, readQuestion, readTraining, type Training } from '../../examples/edge/requests.ts'
import { faultsOf, type Row, tableOf } from '../runtimes/rows.ts'
import { runOn } from '../runtimes/run.ts'
import { type Runtime, runtimes } from '../runtimes/runtimes.ts'
import type { Report, Variant } from '../runtimes/suite.ts'

const EVERY = 8
/** After this no further runtime is begun. Firefox and WebKit take longest to start: they come last. */
const BEGIN_WITHIN_MS = process.env.CI ? 7000 : 2500
const LIMIT_MS = 60_000

const isOwn = (runtime: Runtime): boolean => runtime.find() === process.execPath
const order = [
  'chromium',
  'workerd',
  'deno',
  'bun',
  'node20',
  'node22',
  'node24',
  'node26',
  'firefox',
  'webkit',
]
const others = order.flatMap((name) => runtimes.filter((runtime) => runtime.name === name && !isOwn(runtime)))

test('golden cases pass, and trained weights are the same bits, on the runtimes of this machine', {
  timeout: 180_000,
}, async () => {
  const own = { ...runtimes[0], name: 'node', find: () => process.execPath }
  const startMs = performance.now()
  const isTime = () => performance.now() - startMs < BEGIN_WITHIN_MS
  const rows = await runOn([own, ...others.filter((runtime) => runtime.find())], {
    every: EVERY,
    limitMs: LIMIT_MS,
    isTime,
  })
  const run = rows.map(({ runtime }) => runtime)
  const leftOut = others.map(({ name }) => name).filter((name) => !run.includes(name))
  console.log(`${tableOf(rows)}\nleft out: ${leftOut.join(', ') || 'none'} (npm run test:runtimes)`)
  expect(faultsOf(rows)).toEqual([])
  expect(run).toContain('node')
  expect(rows[0].report?.caseCount).toBeGreaterThanOrEqual(30)
})

describe('the verdict', () => {
  const report: Report = {
    version: '1',
    engine: 'V8',
    variant: 'simd',
    caseCount: 2,
    failed: [],
    hash: 'aa',
    hashes: { dense: 'a', sequence: 'b' },
    unsaved: [],
    variants: [],
  }
  const result = { caseCount: 1, failed: [], hash: 'aa', hashes: report.hashes, unsaved: [] }
  const threads: Variant = { name: 'simd, 2 threads', got: 'simd, 2 threads', told: [], result }
  const none: Variant = { ...threads, got: 'simd, 1 thread', told: ['no memory'], result: undefined }
  const relaxed: Variant = { name: 'relaxed', got: 'relaxed', told: [], result: { ...result, hash: 'cc' } }
  const both: Variant = { ...relaxed, name: 'relaxed, 2 threads' }
  const page = (told: string[]): Variant => ({ name: 'page', got: 'simd, 1 thread', told, result })
  const TOLD = 'main thread must not wait: lanegrad/worker'
  const others = { ...result, hash: 'dd', hashes: { dense: 'd', sequence: 'b' } }
  const rows = (changes: Partial<Report>): Row[] => [
    { runtime: 'one', report, seconds: 1 },
    { runtime: 'gone', absent: 'apt-get install gone' },
    { runtime: 'two', report: { ...report, ...changes }, seconds: 2 },
  ]

  const faultsIn = (given: Row[]) => faultsOf(given, report.hashes)

  test('other bits than those on record are told once, of the first row', () => {
    const record = { ...report.hashes, sequence: 'c' }
    expect(faultsOf(rows({}), record)).toEqual(['one: not the recorded bits (sequence)'])
    expect(faultsOf(rows({}), { dense: 'a' })).toEqual(['one: not the recorded bits (sequence)'])
    expect(faultsOf(rows({}), { ...report.hashes, other: 'd' })).toEqual([
      'one: not the recorded bits (other)',
    ])
  })

  test('equal rows have no fault, and an absent runtime is none', () => {
    expect(faultsIn(rows({}))).toEqual([])
  })

  test('threads with the same bits have none, relaxed arithmetic may have others, and both those', () => {
    expect(faultsIn(rows({ variants: [threads, relaxed, both], onMainThread: page([TOLD]) }))).toEqual([])
  })

  test.each(['its wasm came compiled, for one thread', 'no relaxed SIMD here'])('%s: a reason', (why) => {
    expect(faultsIn(rows({ variants: [{ ...none, told: [why] }] }))).toEqual([])
  })

  test.each<[Partial<Report>, string]>([
    [{ variants: [{ ...threads, result: others }] }, 'two, simd, 2 threads: not the bits of one (dense)'],
    [{ variants: [none] }, 'two, simd, 2 threads: none; no memory'],
    [{ variants: [{ ...threads, told: ['of a worker less'] }] }, 'two, simd, 2 threads: of a worker less'],
    [
      { variants: [relaxed, { ...both, result: others }] },
      'two, relaxed, 2 threads: not the bits of two, relaxed (dense)',
    ],
    [
      { variants: [{ ...relaxed, result: { ...result, failed: ['dense_1: loss'] } }] },
      'two, relaxed: dense_1: loss',
    ],
    [{ onMainThread: page([]) }, 'two, page: not told once, but: []'],
    [{ onMainThread: page([TOLD, TOLD]) }, `two, page: not told once, but: ["${TOLD}","${TOLD}"]`],
    [
      { onMainThread: { ...page([TOLD]), got: 'simd, 2 threads', result: undefined } },
      'two, page: simd, 2 threads',
    ],
  ])('of variants: %#: %s', (changes, fault) => {
    expect(faultsIn(rows(changes))).toEqual([fault])
  })

  test.each([
    [{ hash: 'ab', hashes: { dense: 'a', sequence: 'c' } }, 'two: not the bits of one (sequence)'],
    [{ failed: ['dense_1: loss'] }, 'two: dense_1: loss'],
    [{ unsaved: ['dense'] }, 'two: the net dense is another after saving and loading'],
    [{ refusal: 'no error' }, 'two: where compiling WebAssembly is forbidden, no clear error but: no error'],
  ])('%j', (changes, fault) => {
    expect(faultsIn(rows(changes))).toEqual([fault])
  })

  test('a runtime that ends without a report is a fault', () => {
    expect(faultsIn([{ runtime: 'one', error: 'ended with 1' }])).toEqual(['one: ended with 1'])
  })

  test('the table has a line per runtime and variant; an absent one tells why', () => {
    expect(tableOf(rows({ failed: ['x'] })).split('\n')).toEqual([
      'runtime  version  engine  variant  cases  hash  seconds',
      'one      1        V8      simd     2/2    aa    1.0',
      'gone     not here; apt-get install gone',
      'two      1        V8      simd     1/2    aa    2.0',
    ])
    expect(
      tableOf(rows({ variants: [threads, none] }))
        .split('\n')
        .slice(3),
    ).toEqual([
      'two      1        V8      simd             2/2    aa    2.0',
      '                          simd, 2 threads  1/1    aa',
      '                          simd, 2 threads  none; no memory',
    ])
  })
})

describe('the edge example refuses', () => {
  const names = ['a', 'b']
  const request = (body: unknown): Request =>
    new Request('http://worker/', {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const trained = (body: unknown): Promise<Training> => readTraining(request(body), names)
  const asked = (body: unknown): Promise<Question> => readQuestion(request(body), names)
  const sample = (x: unknown, label: unknown = 'p') => ({ samples: [{ x, label }] })

  test.each<[string, number, () => Promise<unknown>, string]>([
    ['text', 400, () => trained('hello'), 'the body is no JSON: '],
    ['nothing', 400, () => trained(''), 'the body is no JSON: '],
    ['a list', 400, () => trained([]), 'the body: expected an object'],
    ['64 KB and a byte', 413, () => trained('x'.repeat(65537)), 'the body is too large: at most 65536 bytes'],
    ['no samples', 400, () => trained({}), 'samples: expected a list of 1 to 500'],
    [
      'too many samples',
      400,
      () => trained({ samples: Array(501).fill(0) }),
      'samples: expected a list of 1 to 500',
    ],
    ['a sample that is a number', 400, () => trained({ samples: [3] }), 'samples[0]: expected an object'],
    ['a short sample', 400, () => trained(sample([1])), 'samples[0].x: expected 2 numbers (a, b)'],
    [
      'null',
      400,
      () => trained(sample([1, null])),
      'samples[0].x[1] (b): expected a finite number, got null',
    ],
    [
      'a numeral',
      400,
      () => trained(sample(['1', 2])),
      'samples[0].x[0] (a): expected a finite number, got "1"',
    ],
    ['NaN', 400, () => trained('{"samples":[{"x":[NaN,1],"label":"p"}]}'), 'the body is no JSON: '],
    [
      '1e39',
      400,
      () => trained(sample([1, 1e39])),
      'samples[0].x[1] (b): expected a finite number, got 1e+39',
    ],
    ['no label', 400, () => trained(sample([1, 2], 3)), 'samples[0].label: expected a text'],
    ['one label', 400, () => trained(sample([1, 2])), 'samples: expected 2 to 20 different labels, got 1'],
    [
      'no epoch',
      400,
      () => trained({ ...sample([1, 2]), epochs: 0 }),
      'epochs: expected an integer from 1 to 100',
    ],
    ['no rows', 400, () => asked({ x: [] }), 'x: expected a list of 1 to 500'],
    ['a long row', 400, () => asked({ x: [[1, 2, 3]] }), 'x[0]: expected 2 numbers (a, b)'],
    [
      'a model without labels',
      400,
      () => asked({ x: [[1, 2]], model: 'AA' }),
      'labels: expected a list of 2 to 20 texts',
    ],
    [
      'a label for every byte',
      400,
      () => asked({ x: [[1, 2]], model: 'AA', labels: Array(5000).fill('p') }),
      'labels: expected a list of 2 to 20 texts',
    ],
    [
      'a deep list for a number',
      400,
      () => asked(`{"x": [[1, ${'['.repeat(9000)}${']'.repeat(9000)}]]}`),
      'x[0][1] (b): expected a finite number, got an object',
    ],
    [
      'no base64',
      400,
      () => asked({ x: [[1, 2]], model: '*', labels: ['p', 'q'] }),
      'model: expected base64',
    ],
  ])('%s', async (_, status, ask, message) => {
    await expect(ask()).rejects.toMatchObject({ status, message: expect.stringContaining(message) })
  })

  test('nothing of what is right', async () => {
    const samples = [
      { x: [1, 2], label: 'q' },
      { x: [3, 4], label: 'p' },
    ]
    expect(await trained({ samples })).toEqual({
      x: [
        [1, 2],
        [3, 4],
      ],
      y: [1, 0],
      labels: ['p', 'q'],
      epochs: 20,
    })
    const kept = { model: Uint8Array.of(1, 2), labels: ['p', 'q'] }
    expect(await asked({ x: [[1, 2]], model: 'AQI=', labels: ['p', 'q'] })).toEqual({ x: [[1, 2]], kept })
  })
})
