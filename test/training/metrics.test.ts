// Metrics from outside: models that pass their input on, so that the scores are chosen here. Expected numbers are worked
// out in float64 by other formulas than the library's, or are the examples of Keras' and scikit-learn's documentation.
// An epoch's metric must be that of all rows at once, however they are cut into batches.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  activation,
  auc,
  binaryAccuracy,
  binaryCrossentropy,
  categoricalAccuracy,
  categoricalCrossentropy,
  confusionMatrix,
  cosineSimilarityMetric,
  type Data,
  dense,
  f1Score,
  huber,
  input,
  type Layer,
  type LossLike,
  load,
  type Metric,
  type MetricLike,
  masking,
  meanAbsolutePercentageError,
  model,
  perplexity,
  precision,
  r2Score,
  recall,
  rootMeanSquaredError,
  sequential,
  sgd,
  sparseCategoricalAccuracy,
  sparseCategoricalCrossentropy,
  sparseTopKCategoricalAccuracy,
  topKCategoricalAccuracy,
} from '../../src/index.ts'
import { refused } from '../support/refused.ts'

type Table = readonly (readonly number[])[]

interface Rows {
  readonly scores: Table
  /** Rows like the scores', or class ids. */
  readonly truth: Table | readonly number[]
  readonly weights?: readonly number[]
}

const part = <T>(list: readonly T[], sizes: readonly number[]): T[][] => {
  const parts: T[][] = []
  let at = 0
  for (const size of [...sizes, list.length]) {
    if (at < list.length) parts.push(list.slice(at, at + size))
    at += size
  }
  return parts
}

/** Logs of `evaluate` over batches of these sizes, the rest in one. */
async function logsOf(
  { scores, truth, weights }: Rows,
  { metrics = [], weightedMetrics = [], loss = 'mse' }: Partial<Options>,
  sizes: readonly number[] = [],
): Promise<Record<string, number>> {
  const net = sequential({ inputShape: [scores[0].length], layers: [activation({ activation: 'linear' })] })
  net.compile({ loss, metrics, weightedMetrics })
  const xs = part(scores, sizes)
  const ys = part<readonly number[] | number>(truth, sizes)
  const ws = weights ? part(weights, sizes) : null
  return net.evaluate(
    xs.map((x, i) => ({ x: x as number[][], y: ys[i] as number[][], ...(ws && { weights: ws[i] }) })),
  )
}
interface Options {
  readonly metrics: readonly MetricLike[]
  readonly weightedMetrics: readonly MetricLike[]
  readonly loss: LossLike
}

const f32 = Math.fround
const column = (values: readonly number[]): number[][] => values.map((value) => [value])

describe('examples of Keras and scikit-learn', () => {
  const three = {
    scores: [
      [0.1, 0.9, 0.8],
      [0.05, 0.95, 0],
    ],
    truth: [
      [0, 0, 1],
      [0, 1, 0],
    ],
    weights: [0.7, 0.3],
  }
  const two = {
    scores: [
      [1, 1],
      [0, 0],
    ],
    truth: [
      [0, 1],
      [0, 0],
    ],
    weights: [1, 0],
  }
  const labels: LossLike = 'sparseCategoricalCrossentropy'
  const binary = {
    scores: column([0.98, 1, 0, 0.6]),
    truth: column([1, 1, 0, 0]),
    weights: [1, 0, 0, 1],
  }
  const found = { scores: column([1, 0, 1, 1]), truth: column([0, 1, 1, 1]), weights: [0, 0, 1, 0] }
  const f1 = {
    scores: [
      [0.2, 0.6, 0.7],
      [0.2, 0.6, 0.6],
      [0.6, 0.8, 0],
    ],
    truth: [
      [1, 1, 1],
      [1, 0, 0],
      [1, 1, 0],
    ],
  }
  // sklearn: y_true [0, 1, 2, 0, 1, 2], y_pred [0, 2, 1, 0, 0, 1]
  const oneHot = (ids: readonly number[], size: number) =>
    ids.map((id) => Array.from({ length: size }, (_, j) => Number(j === id)))
  const six = { scores: oneHot([0, 2, 1, 0, 0, 1], 3), truth: [0, 1, 2, 0, 1, 2] }
  const inRow = { scores: [[1, 1, 1, 1]], truth: [[0, 0, 1, 1]] }
  const ranks = { scores: column([0, 0.5, 0.3, 0.9]), truth: column([0, 0, 1, 1]), weights: [1, 0, 0, 1] }
  const plane = {
    scores: [
      [0, 2],
      [-1, 2],
      [8, -5],
    ],
    truth: [
      [0.5, 1],
      [-1, 1],
      [7, -6],
    ],
  }

  test.each<[string, MetricLike, Rows, number, number?, LossLike?]>([
    ['binaryAccuracy', binaryAccuracy(), binary, 0.75, 0.5],
    ['categoricalAccuracy', categoricalAccuracy(), three, 0.5, 0.3],
    ['sparseCategoricalAccuracy', sparseCategoricalAccuracy(), { ...three, truth: [2, 1] }, 0.5, 0.3, labels],
    ['topKCategoricalAccuracy', topKCategoricalAccuracy({ k: 1 }), three, 0.5, 0.3],
    ['topKCategoricalAccuracy', topKCategoricalAccuracy({ k: 2 }), three, 1, 1],
    [
      'sparseTopKCategoricalAccuracy',
      sparseTopKCategoricalAccuracy({ k: 1 }),
      { ...three, truth: [2, 1] },
      0.5,
      0.3,
      labels,
    ],
    ['precision', precision(), found, 2 / 3, 1],
    ['precision', precision({ topK: 2 }), inRow, 0],
    ['precision', precision({ topK: 4 }), inRow, 0.5],
    ['recall', recall(), found, 2 / 3, 1],
    ['precision', precision({ threshold: null, average: 'macro' }), six, 2 / 9, 2 / 9, labels],
    ['recall', recall({ threshold: null, average: 'macro' }), six, 1 / 3, 1 / 3, labels],
    ['f1Score', f1Score(), six, 4 / 15, 4 / 15, labels],
    ['f1Score', f1Score({ average: 'micro' }), six, 1 / 3, 1 / 3, labels],
    ['f1Score', f1Score({ average: 'weighted' }), six, 4 / 15, 4 / 15, labels],
    ['auc', auc(), ranks, 0.75, 1],
    ['auc', auc(), { scores: column([0.1, 0.4, 0.35, 0.8]), truth: ranks.truth }, 0.75],
    ['rootMeanSquaredError', rootMeanSquaredError(), two, 0.5, Math.SQRT1_2],
    ['meanAbsolutePercentageError', meanAbsolutePercentageError(), two, 2.5e8, 5e8],
    [
      'cosineSimilarity',
      cosineSimilarityMetric(),
      {
        scores: [
          [1, 0],
          [1, 1],
        ],
        truth: [
          [0, 1],
          [1, 1],
        ],
        weights: [0.3, 0.7],
      },
      0.5,
      0.7,
    ],
    ['r2Score', r2Score(), { scores: column([2, 4, 4]), truth: column([1, 4, 3]) }, 0.5714285714285714],
    ['r2Score', r2Score(), plane, 0.936800526662278],
  ])('%s', async (name, metric, rows, plain, weighted = plain, loss = 'mse') => {
    const logs = await logsOf(rows, { metrics: [metric], weightedMetrics: [metric], loss })
    expect(Object.keys(logs)).toEqual(['loss', name, `weighted_${name}`])
    expect(logs[name] / plain || 1).toBeCloseTo(1, 6)
    expect(logs[name]).toBeCloseTo(plain, plain > 1e6 ? -2 : 6)
    expect(logs[`weighted_${name}`]).toBeCloseTo(weighted, weighted > 1e6 ? -2 : 6)
  })

  test('f1Score without an average: a number for each class', async () => {
    const { loss: _, ...logs } = await logsOf(f1, { metrics: [f1Score({ threshold: 0.5, average: null })] })
    expect(Object.keys(logs)).toEqual(['f1Score_0', 'f1Score_1', 'f1Score_2'])
    expect(Object.values(logs)).toEqual([0.5, 0.8, expect.closeTo(2 / 3, 12)])
  })

  test('classId: one class alone', async () => {
    const metrics = [precision({ classId: 1, name: 'p' }), recall({ classId: 2, name: 'r' })]
    const logs = await logsOf(f1, { metrics })
    expect(logs.p).toBeCloseTo(2 / 3, 12)
    expect(logs.r).toBe(1)
  })

  test('confusionMatrix', () => {
    const truth = [2, 0, 2, 2, 0, 1]
    const given = [0, 0, 2, 2, 0, 2]
    const matrix = [
      [2, 0, 0],
      [0, 0, 1],
      [1, 0, 2],
    ]
    expect(confusionMatrix(truth, given)).toEqual(matrix)
    const data = Float32Array.from(oneHot(given, 3).flat())
    const scores = { shape: [6, 3], data }
    expect(confusionMatrix(truth, scores)).toEqual(matrix)
    expect(
      confusionMatrix({ shape: [6, 3], data: Float32Array.from(oneHot(truth, 3).flat()) }, scores),
    ).toEqual(matrix)
    expect(confusionMatrix(truth, given, { numClasses: 4 })).toEqual([
      ...matrix.map((row) => [...row, 0]),
      [0, 0, 0, 0],
    ])
    expect(confusionMatrix([0, 1, 1], { shape: [3, 1], data: Float32Array.of(0.2, 0.9, 0.3) })).toEqual([
      [1, 0],
      [1, 1],
    ])
    expect(confusionMatrix([0, 1], [1, 1], { sampleWeight: [0.5, 2] })).toEqual([
      [0, 0.5],
      [0, 2],
    ])
  })

  test('confusionMatrix takes nested rows', () => {
    const truth = [2, 0, 2, 1]
    const scores = [
      [0.1, 0.2, 0.7],
      [0.5, 0.3, 0.2],
      [0.9, 0.1, 0],
      [0, 0.4, 0.6],
    ] // 2, 0, 0, 2
    const matrix = [
      [1, 0, 0],
      [0, 0, 1],
      [1, 0, 1],
    ]
    const rows = oneHot(truth, 3)
    for (const yTrue of [truth, rows, truth.map((id) => [id]), rows.flat(), Int32Array.from(rows.flat())])
      expect(confusionMatrix(yTrue, scores)).toEqual(matrix)
    expect(
      confusionMatrix(
        truth,
        scores.map((row) => Float32Array.from(row)),
      ),
    ).toEqual(matrix)
    expect(confusionMatrix(rows, [2, 0, 0, 2])).toEqual(matrix)
    expect(confusionMatrix(rows, [[2], [0], [0], [2]])).toEqual(matrix)
    expect(confusionMatrix([0, 1, 1], [[0.2], [0.9], [0.3]])).toEqual([
      [1, 0],
      [1, 1],
    ])
    // sequences: an id at each of two steps
    const steps = { sampleWeight: [1, 2, 3, 4] }
    const pairs = [
      [2, 0],
      [2, 1],
    ]
    expect(confusionMatrix(pairs, [scores.slice(0, 2), scores.slice(2)], steps)).toEqual([
      [2, 0, 0],
      [0, 0, 4],
      [3, 0, 1],
    ])
  })
})

// ---- over any cut into batches --------------------------------------------------------------------

/** Scores with many ties, in eighths; about half the rows of weight 0 to 2. */
const eighths = fc.integer({ min: -8, max: 8 }).map((n) => n / 8)
const tables = (columns: number, truthRow: fc.Arbitrary<number[]>) =>
  fc.record({
    rows: fc.array(
      fc.tuple(
        fc.array(eighths, { minLength: columns, maxLength: columns }),
        truthRow,
        fc.constantFrom(0, 0.5, 1, 2),
      ),
      { minLength: 1, maxLength: 40 },
    ),
    sizes: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 8 }),
  })
const bits = (columns: number) => fc.array(fc.constantFrom(0, 1), { minLength: columns, maxLength: columns })

type Case = readonly (readonly [scores: number[], truth: number[], weight: number])[]
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
const meanBy = (rows: Case, of: (scores: number[], truth: number[]) => number) => {
  const weight = sum(rows.map(([, , w]) => w))
  return weight === 0 ? 0 : sum(rows.map(([s, t, w]) => w * of(s, t))) / weight
}
const flat = (rows: Case) =>
  rows.flatMap(([scores, truth, w]) => scores.map((s, j) => ({ s, isTrue: truth[j] > 0.5, w })))

/** The chance that a true element scores above a false one. */
function byPairs(rows: Case): number {
  const all = flat(rows)
  let above = 0
  let pairs = 0
  for (const a of all.filter(({ isTrue }) => isTrue))
    for (const b of all.filter(({ isTrue }) => !isTrue)) {
      pairs += a.w * b.w
      above += a.w * b.w * (a.s > b.s ? 1 : a.s === b.s ? 0.5 : 0)
    }
  return above / pairs
}

/** Precision over recall, numerically: both counts linear between thresholds; Simpson's rule. */
function byIntegration(rows: Case): number {
  const all = flat(rows)
  const positives = sum(all.map(({ isTrue, w }) => (isTrue ? w : 0)))
  if (positives === sum(all.map(({ w }) => w))) return NaN
  const counts = [...new Set(all.map(({ s }) => s))]
    .sort((a, b) => b - a)
    .map((threshold) => {
      const above = all.filter(({ s }) => s >= threshold)
      return [true, false].map((is) => sum(above.filter(({ isTrue }) => isTrue === is).map(({ w }) => w)))
    })
  let area = 0
  let [tp, fp] = [0, 0]
  for (const [nextTp, nextFp] of counts) {
    const height = (share: number) => {
      const t = tp + share * (nextTp - tp)
      const f = fp + share * (nextFp - fp)
      return t / (t + f)
    }
    const steps = 2000
    // the curve starts with the precision of its first step
    const value = (i: number) => (tp + fp === 0 ? height(1) : height(i / steps))
    let integral = value(0) + value(steps)
    for (let i = 1; i < steps; i++) integral += value(i) * (i % 2 ? 4 : 2)
    if (nextTp > tp) area += (integral * (nextTp - tp)) / (3 * steps)
    ;[tp, fp] = [nextTp, nextFp]
  }
  return positives > 0 ? area / positives : NaN
}

function counted(rows: Case, decide: (scores: number[], j: number) => boolean): number[][] {
  return rows[0][0].map((_, j) => {
    const counts = [0, 0, 0]
    for (const [scores, truth, w] of rows) {
      const [is, said] = [truth[j] > 0.5, decide(scores, j)]
      if (is && said) counts[0] += w
      else if (said) counts[1] += w
      else if (is) counts[2] += w
    }
    return counts
  })
}
const ratio = (a: number, b: number) => (b === 0 ? 0 : a / b)
const total = (counts: number[][]) => [0, 1, 2].map((i) => sum(counts.map((row) => row[i])))
const firstMax = (scores: readonly number[]) => scores.indexOf(Math.max(...scores))

type Expected = (rows: Case) => number
const overAll: readonly [string, () => MetricLike, Expected][] = [
  ['auc', () => auc(), byPairs],
  ['auc of precision and recall', () => auc({ curve: 'PR' }), byIntegration],
  [
    'precision above 1/4',
    () => precision({ threshold: 0.25 }),
    (rows) => {
      const [right, extra] = total(counted(rows, (s, j) => s[j] > 0.25))
      return ratio(right, right + extra)
    },
  ],
  [
    'recall, macro',
    () => recall({ threshold: 0, average: 'macro' }),
    (rows) => {
      const counts = counted(rows, (s, j) => s[j] > 0)
      return sum(counts.map(([right, , missed]) => ratio(right, right + missed))) / counts.length
    },
  ],
  [
    'recall of the two largest',
    () => recall({ topK: 2 }),
    (rows) => {
      const isTop = (s: number[], j: number) =>
        s.filter((v, i) => v > s[j] || (v === s[j] && i < j)).length < 2
      const [right, , missed] = total(counted(rows, isTop))
      return ratio(right, right + missed)
    },
  ],
  [
    'f1Score, weighted',
    () => f1Score({ average: 'weighted' }),
    (rows) => {
      const decide = (s: number[], j: number) => (s.length > 1 ? firstMax(s) === j : s[j] > 0.5)
      const counts = counted(rows, decide)
      const scores = counts.map(([a, b, c]) => ratio(2 * a, 2 * a + b + c) * (a + c))
      const [right, , missed] = total(counts)
      return ratio(sum(scores), right + missed)
    },
  ],
  [
    'binaryAccuracy',
    () => binaryAccuracy({ threshold: 0.125 }),
    (rows) => meanBy(rows, (s, t) => s.filter((v, j) => v > 0.125 === t[j] > 0.5).length / s.length),
  ],
  [
    'categoricalAccuracy',
    () => categoricalAccuracy(),
    (rows) => meanBy(rows, (s, t) => Number(firstMax(s) === firstMax(t))),
  ],
  [
    'topKCategoricalAccuracy',
    () => topKCategoricalAccuracy({ k: 2 }),
    (rows) => meanBy(rows, (s, t) => Number(s.filter((v) => v > s[firstMax(t)]).length < 2)),
  ],
  [
    'rootMeanSquaredError',
    () => rootMeanSquaredError(),
    (rows) => Math.sqrt(meanBy(rows, (s, t) => sum(s.map((v, j) => (v - t[j]) ** 2)) / s.length)),
  ],
  ['mae', () => 'mae', (rows) => meanBy(rows, (s, t) => sum(s.map((v, j) => Math.abs(v - t[j]))) / s.length)],
  [
    'huber',
    () => huber({ delta: 0.5 }),
    (rows) =>
      meanBy(rows, (s, t) => {
        const terms = s.map((v, j) => {
          const d = Math.abs(v - t[j])
          return d <= 0.5 ? (d * d) / 2 : 0.5 * (d - 0.25)
        })
        return sum(terms) / s.length
      }),
  ],
  [
    'cosineSimilarity',
    () => cosineSimilarityMetric(),
    (rows) =>
      meanBy(rows, (s, t) => {
        const norm = (v: number[]) => Math.max(Math.hypot(...v), 1e-6)
        return sum(s.map((v, j) => v * t[j])) / (norm(s) * norm(t))
      }),
  ],
  [
    'r2Score',
    () => r2Score(),
    (rows) => {
      const weight = sum(rows.map(([, , w]) => w))
      if (weight === 0) return NaN
      const scores = rows[0][0].map((_, j) => {
        const mean = sum(rows.map(([, t, w]) => w * t[j])) / weight
        const spread = sum(rows.map(([, t, w]) => w * (t[j] - mean) ** 2))
        const errors = sum(rows.map(([s, t, w]) => w * (t[j] - s[j]) ** 2))
        return spread > 1e-12 ? 1 - errors / spread : Number(errors === 0)
      })
      return sum(scores) / scores.length
    },
  ],
]

describe('the metric of an epoch is that of all rows at once', () => {
  test.each(overAll)('%s', async (_, metric, expected) => {
    for (const columns of [1, 3]) {
      await fc.assert(
        fc.asyncProperty(tables(columns, bits(columns)), async ({ rows, sizes }) => {
          const table = {
            scores: rows.map(([scores]) => scores),
            truth: rows.map(([, truth]) => truth),
            weights: rows.map(([, , weight]) => weight),
          }
          const plain = { ...(metric() as Metric), name: 'plain' }
          const named = typeof metric() === 'object' && 'name' in (metric() as object)
          const one = named ? plain : metric()
          const key = named ? 'plain' : typeof one === 'string' ? one : 'huber'
          const options = { metrics: [one], weightedMetrics: [one] }
          const logs = await logsOf(table, options, sizes)
          const even = rows.map(([s, t]): [number[], number[], number] => [s, t, 1])
          // means pass through float32 sums of each batch
          for (const [value, want] of [
            [logs[key], expected(even)],
            [logs[`weighted_${key}`], expected(rows)],
          ])
            if (Number.isNaN(want)) expect(value).toBeNaN()
            else expect(Math.abs(value - want)).toBeLessThan(1e-6 * Math.max(1, Math.abs(want)))
        }),
        { numRuns: 40, seed: 7 },
      )
    }
  })

  test('with class labels, some of them ignored: loss, accuracy, perplexity, precision', async () => {
    const ids = fc.integer({ min: 0, max: 2 }).map((id) => [id])
    await fc.assert(
      fc.asyncProperty(tables(3, ids), async ({ rows, sizes }) => {
        const table = {
          scores: rows.map(([scores]) => scores),
          truth: rows.map(([, [id]]) => id),
          weights: rows.map(([, , weight]) => weight),
        }
        const crossEntropy = (s: number[], id: number) => Math.log(sum(s.map((v) => Math.exp(v)))) - s[id]
        const logs = await logsOf(
          table,
          {
            // class 1 is a real class, so that ignored rows would count as right or wrong if they counted
            loss: sparseCategoricalCrossentropy({ fromLogits: true, ignoreIndex: 1 }),
            metrics: [
              'accuracy',
              'sparseCategoricalCrossentropy',
              perplexity(),
              sparseTopKCategoricalAccuracy({ k: 2 }),
              f1Score({ average: 'micro' }),
            ],
            weightedMetrics: ['accuracy'],
          },
          sizes,
        )
        const rest = rows.filter(([, [id]]) => id !== 1)
        const share = (of: (s: number[], id: number) => number) =>
          ratio(sum(rest.map(([s, [id]]) => of(s, id))), rest.length)
        const right = (s: number[], id: number) => Number(firstMax(s) === id)
        const entropy = share(crossEntropy)
        const top = share((s, id) => Number(s.filter((v) => v > s[id]).length < 2))
        const wanted = {
          loss: ratio(sum(rest.map(([s, [id], w]) => w * crossEntropy(s, id))), rest.length),
          accuracy: share(right),
          sparseCategoricalCrossentropy: entropy,
          perplexity: Math.exp(entropy),
          sparseTopKCategoricalAccuracy: top,
          f1Score: share(right), // one answer a row: precision = recall = accuracy
          weighted_accuracy: meanBy(rest, (s, [id]) => right(s, id)),
        }
        expect(Object.keys(logs)).toEqual(Object.keys(wanted))
        for (const [key, want] of Object.entries(wanted)) expect(logs[key]).toBeCloseTo(want, 5)
      }),
      { numRuns: 60, seed: 3 },
    )
  })
})

describe('what counts', () => {
  test('masked steps count neither in the loss nor in metrics', async () => {
    // three samples of three steps; the last steps of the first two are masked
    const x = [
      [
        [1, 2],
        [3, 1],
        [0, 0],
      ],
      [
        [2, 5],
        [0, 0],
        [0, 0],
      ],
      [
        [1, 1],
        [4, 2],
        [6, 3],
      ],
    ]
    const ids = [
      [1, 1, 0],
      [1, 0, 0],
      [0, 1, 0],
    ]
    const net = sequential({ inputShape: [3, 2], layers: [masking(), activation({ activation: 'linear' })] })
    net.compile({
      loss: sparseCategoricalCrossentropy({ fromLogits: true, ignoreIndex: null }),
      metrics: ['accuracy', sparseTopKCategoricalAccuracy({ k: 1 })],
      weightedMetrics: ['accuracy', sparseTopKCategoricalAccuracy({ k: 1 })],
    })
    const weights = [1, 3, 0.5]
    const kept = x.flatMap((steps, i) =>
      steps.flatMap((s, j) => (s[0] || s[1] ? [{ s, id: ids[i][j], w: weights[i] }] : [])),
    )
    const entropy = ({ s, id }: (typeof kept)[0]) => Math.log(Math.exp(s[0]) + Math.exp(s[1])) - s[id]
    const right = ({ s, id }: (typeof kept)[0]) => Number(firstMax(s) === id)
    // a row as large in both counts as among the first
    const top = ({ s, id }: (typeof kept)[0]) => Number(s[id] === Math.max(...s))
    const whole = sum(kept.map(({ w }) => w))
    const wanted = {
      loss: sum(kept.map((step) => step.w * entropy(step))) / kept.length,
      accuracy: sum(kept.map(right)) / kept.length,
      sparseTopKCategoricalAccuracy: sum(kept.map(top)) / kept.length,
      weighted_accuracy: sum(kept.map((step) => step.w * right(step))) / whole,
      weighted_sparseTopKCategoricalAccuracy: sum(kept.map((step) => step.w * top(step))) / whole,
    }
    for (const batchSize of [1, 2, 3]) {
      const logs = await net.evaluate(x, ids, { batchSize, sampleWeight: weights })
      for (const [key, want] of Object.entries(wanted)) expect(logs[key], key).toBeCloseTo(want, 6)
    }
  })

  test('a mask and ignored rows at once: the mean is over what neither leaves out', async () => {
    const x = [
      [
        [1, 2],
        [3, 1],
        [0, 0],
      ],
      [
        [2, 5],
        [0, 0],
        [0, 0],
      ],
    ]
    const ids = [
      [1, 0, -1],
      [-1, 1, 1],
    ]
    const net = sequential({ inputShape: [3, 2], layers: [masking(), activation({ activation: 'linear' })] })
    net.compile({
      loss: sparseCategoricalCrossentropy({ fromLogits: true, ignoreIndex: -1 }),
      metrics: ['accuracy', 'sparseCategoricalCrossentropy'],
    })
    const want = (Math.log(Math.exp(1) + Math.exp(2)) - 2 + Math.log(Math.exp(3) + Math.exp(1)) - 3) / 2
    for (const batchSize of [1, 2]) {
      const logs = await net.evaluate(x, ids, { batchSize })
      expect(logs.loss).toBeCloseTo(want, 6)
      expect(logs.sparseCategoricalCrossentropy).toBeCloseTo(want, 6)
      expect(logs.accuracy).toBe(1)
    }
  })

  test('rows all ignored: a loss of 0, and of the penalty where there is one', async () => {
    const net = sequential({
      inputShape: [2],
      layers: [dense({ units: 2, kernelInitializer: 'ones', kernelRegularizer: { l1: 0.5 } })],
    })
    net.compile({
      loss: sparseCategoricalCrossentropy({ fromLogits: true, ignoreIndex: 0 }),
      metrics: ['accuracy'],
    })
    expect(await net.evaluate([[1, 2]], [0])).toEqual({ loss: 2, accuracy: 0 })
    expect(net.trainStep([[1, 2]], [0])).toEqual({ loss: 2, accuracy: 0 })
  })

  test('several outputs: keys, each loss by the rows that count in it', async () => {
    const x = input({ shape: [2], name: 'x' })
    const net = model({
      inputs: x,
      outputs: {
        a: activation({ activation: 'linear' })(x),
        b: activation({ activation: 'linear', name: 'same' })(x),
      },
    })
    net.compile({
      loss: { a: sparseCategoricalCrossentropy({ fromLogits: true, ignoreIndex: 1 }), b: 'mse' },
      metrics: { a: ['accuracy', sparseTopKCategoricalAccuracy({ k: 1 })], b: [r2Score(), 'mae'] },
    })
    const rows = [
      [1, 2],
      [3, 1],
      [2, 2.5],
    ]
    const a = [1, 0, 0]
    const b = [
      [0, 2],
      [2, 1],
      [1, 1],
    ]
    const entropy = (Math.log(1 + Math.exp(-2)) + Math.log(1 + Math.exp(0.5))) / 2
    const squares = (1 + 1 + 1 + 2.25) / 6
    const want = {
      loss: entropy + squares,
      a_loss: entropy,
      b_loss: squares,
      a_accuracy: 0.5,
      a_sparseTopKCategoricalAccuracy: 0.5,
      b_r2Score: (1 - 3 / 2 + 1 - 2.25 / (2 / 3)) / 2,
      b_mae: (1 + 1 + 1 + 1.5) / 6,
    }
    for (const batchSize of [1, 2, 3]) {
      const logs = await net.evaluate(x0(rows), { a, b }, { batchSize })
      expect(Object.keys(logs)).toEqual(Object.keys(want))
      for (const [key, value] of Object.entries(want)) expect(logs[key], key).toBeCloseTo(value, 6)
    }
  })

  test('several outputs, weighted, one with ignored rows: the loss is the sum of weight times loss', async () => {
    const x = input({ shape: [2], name: 'x' })
    const same = () => activation({ activation: 'linear' })
    const net = model({ inputs: x, outputs: { a: same()(x), b: same()(x) } })
    net.compile({
      loss: { a: sparseCategoricalCrossentropy({ fromLogits: true, ignoreIndex: 1 }), b: 'mse' },
      lossWeights: { a: 3, b: 0.5 },
    })
    const rows = [
      [1, 2],
      [3, 1],
      [2, 2.5],
    ]
    const truth = { a: [1, 0, 0], b: rows.map(([one]) => [one - 1, 0]) }
    const entropy = (Math.log(1 + Math.exp(-2)) + Math.log(1 + Math.exp(0.5))) / 2
    const squares = (1 + 4 + 1 + 1 + 1 + 6.25) / 6
    for (const batchSize of [1, 2, 3]) {
      const logs = await net.evaluate(x0(rows), truth, { batchSize })
      expect(logs.a_loss).toBeCloseTo(entropy, 6)
      expect(logs.b_loss).toBeCloseTo(squares, 6)
      expect(logs.loss).toBeCloseTo(3 * entropy + 0.5 * squares, 5)
    }
  })

  describe('an output of logits and one of their probabilities have the same metrics', () => {
    const numbers = (count: number, columns: number) =>
      Array.from({ length: count }, (_, i) =>
        Array.from({ length: columns }, (_, j) => 3 * Math.sin(i * 13 + j * 7.3)),
      )
    const evaluated = async (
      columns: number,
      layers: Layer[],
      loss: LossLike,
      y: Data,
      metrics: () => readonly MetricLike[],
    ) => {
      const net = sequential({
        inputShape: [columns],
        layers: [activation({ activation: 'linear' }), ...layers],
      })
      return net.compile({ loss, metrics: metrics() }).evaluate(numbers(20, columns), y, { batchSize: 7 })
    }
    const near = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>) => {
      expect(Object.keys(a)).toEqual(Object.keys(b))
      for (const [key, value] of Object.entries(a))
        expect([key, value]).toEqual([key, expect.closeTo(b[key], 5)])
    }
    const counted = () => [
      precision(),
      recall({ threshold: 0.7 }),
      precision({ name: 'top', topK: 1, threshold: 0.4 }),
      f1Score(),
      f1Score({ name: 'f1', threshold: 0.3, average: 'micro' }),
      auc(),
      auc({ name: 'pr', curve: 'PR' }),
    ]
    const distances = () => ['mse', 'mae', 'huber', 'logCosh', rootMeanSquaredError()] as const

    test.each([1, 3])('sigmoid, %i columns', async (columns) => {
      const y = numbers(20, columns).map((row, i) => row.map((_, j) => ((i * 5 + j) % 3 === 0 ? 1 : 0)))
      const metrics = () => [
        'accuracy' as const,
        binaryAccuracy(),
        binaryAccuracy({ name: 'strict', threshold: 0.8 }),
        binaryCrossentropy({ labelSmoothing: 0.1 }),
        'poisson' as const,
        ...distances(),
        ...counted(),
      ]
      const logits = await evaluated(columns, [], binaryCrossentropy({ fromLogits: true }), y, metrics)
      const sigmoid = activation({ activation: 'sigmoid' })
      const shares = await evaluated(columns, [sigmoid], 'binaryCrossentropy', y, metrics)
      near(logits, shares)
    })

    test('softmax, one-hot rows', async () => {
      const y = numbers(20, 3).map((row, i) => row.map((_, j) => Number((i * 5) % 3 === j)))
      const metrics = () => [
        'accuracy' as const,
        binaryAccuracy(),
        topKCategoricalAccuracy({ k: 2 }),
        'categoricalCrossentropy' as const,
        'klDivergence' as const,
        perplexity(),
        ...distances(),
        ...counted(),
      ]
      const logits = await evaluated(3, [], categoricalCrossentropy({ fromLogits: true }), y, metrics)
      const shares = await evaluated(
        3,
        [activation({ activation: 'softmax' })],
        'categoricalCrossentropy',
        y,
        metrics,
      )
      near(logits, shares)
    })

    test('softmax, labels', async () => {
      const y = numbers(20, 3).map((_, i) => (i * 5) % 3)
      const metrics = () => ['accuracy' as const, perplexity(), sparseCategoricalCrossentropy(), ...counted()]
      const logits = await evaluated(3, [], sparseCategoricalCrossentropy({ fromLogits: true }), y, metrics)
      const shares = await evaluated(
        3,
        [activation({ activation: 'softmax' })],
        'sparseCategoricalCrossentropy',
        y,
        metrics,
      )
      near(logits, shares)
    })

    test('scores stay scores, and so does a threshold that is no probability', async () => {
      const rows = { scores: column([2, -1, 0.5]), truth: column([1, 0, 1]) }
      const loss = binaryCrossentropy({ fromLogits: true })
      const metrics = ['hinge', binaryAccuracy({ threshold: 0 }), precision({ threshold: 1.5 })] as const
      const logs = await logsOf(rows, { loss, metrics })
      expect([logs.hinge, logs.binaryAccuracy, logs.precision]).toEqual(
        [0.5, 1, 1].map((v) => expect.closeTo(v, 6)),
      )
    })
  })

  test('a binary loss with logits: names of cross-entropies follow it', async () => {
    const rows = { scores: column([2, -1, 0.5]), truth: column([1, 0, 0]) }
    const loss = binaryCrossentropy({ fromLogits: true })
    const logs = await logsOf(rows, { loss, metrics: ['binaryCrossentropy', 'accuracy', auc()] })
    expect(logs.binaryCrossentropy).toBeCloseTo(logs.loss, 6)
    expect(logs.loss).toBeCloseTo(
      (Math.log1p(Math.exp(-2)) + Math.log1p(Math.exp(-1)) + Math.log1p(Math.exp(0.5))) / 3,
      6,
    )
    expect(logs.accuracy).toBeCloseTo(2 / 3, 6)
    expect(logs.auc).toBe(1)
  })

  test.each([sparseTopKCategoricalAccuracy, topKCategoricalAccuracy])(
    'a row whose own score is missing or infinite is not among the top: %o',
    (metric) => {
      const { start, add, result } = metric({ k: 3 })
      const rows = [
        [NaN, 1, 2],
        [Infinity, 1, 2],
        [0, 1, 2],
      ]
      const scores = rows.map((row) => {
        const state = start()
        const truth = metric === topKCategoricalAccuracy ? Float32Array.of(1, 0, 0) : Int32Array.of(0)
        add(state, { truth, prediction: Float32Array.from(row), rows: 1, columns: 3, weights: null })
        return result(state)
      })
      expect(scores).toEqual([0, 0, 1])
    },
  )

  test('rows of weight 0 count in no metric, even where they are NaN', () => {
    const metrics = [
      auc(),
      auc({ curve: 'PR' }),
      precision(),
      recall(),
      f1Score({ average: 'macro' }),
      r2Score(),
    ]
    const fed = (metric: Metric, rows: number[], truths: number[], weights: number[] | null) => {
      const state = metric.start()
      const [prediction, truth] = [Float32Array.from(rows), Float32Array.from(truths)]
      const own = weights && Float32Array.from(weights)
      metric.add(state, { truth, prediction, rows: rows.length, columns: 1, weights: own })
      return metric.result(state)
    }
    for (const metric of metrics as Metric[]) {
      const whole = fed(metric, [0.2, 0.9, 0.6, 0.4], [0, 1, 0, 1], null)
      expect(fed(metric, [0.2, NaN, 0.9, 0.6, 0.4], [0, 1, 1, 0, 1], [1, 0, 1, 1, 1]), metric.name).toEqual(
        whole,
      )
      expect(whole, metric.name).not.toBeNaN()
    }
  })

  test.each(['hinge', 'squaredHinge'] as const)('accuracy under %s: the sign of the score', async (loss) => {
    const rows = { scores: column([0.2, -0.3, 0.4, -0.1]), truth: column([1, -1, -1, 1]) }
    expect((await logsOf(rows, { loss, metrics: ['accuracy'] })).accuracy).toBe(0.5)
    const near = { scores: column([0.2, 0.4]), truth: column([1, 1]) } // right, though below one half
    expect((await logsOf(near, { loss, metrics: ['accuracy'] })).accuracy).toBe(1)
  })

  test('soft truth: above one half it is the class', async () => {
    const rows = { scores: column([0.9, 0.1, 0.9, 0.1]), truth: column([0.6, 0.5, 0.6, 0.4]) }
    expect((await logsOf(rows, { loss: 'mse', metrics: [binaryAccuracy()] })).binaryAccuracy).toBe(1)
  })

  test.each([1, 2, 4])(
    'ignored rows and a penalty: the loss has all of the penalty, in batches of %i',
    async (batchSize) => {
      const layer = dense({
        units: 2,
        useBias: false,
        kernelInitializer: 'ones',
        kernelRegularizer: { l2: 0.25 },
      })
      const net = sequential({ inputShape: [2], layers: [layer] })
      net.compile({ loss: sparseCategoricalCrossentropy({ fromLogits: true, ignoreIndex: -1 }) })
      const rows = [
        [1, 2],
        [3, 1],
        [2, 2],
        [0, 1],
      ]
      // both logits of a row are equal: log 2 for each that counts; the penalty is 0.25 of four squares of 1
      const { loss } = await net.evaluate(rows, [0, -1, 1, 0], { batchSize })
      expect(loss).toBeCloseTo(Math.LN2 + 1, 6)
    },
  )

  test('r2Score of truth without spread: 1 where predicted exactly, else 0, column by column', async () => {
    const of = async (scores: Table) =>
      (
        await logsOf(
          {
            scores,
            truth: [
              [2, 5],
              [2, 5],
            ],
          },
          { metrics: [r2Score()] },
        )
      ).r2Score
    expect(
      await of([
        [2, 5],
        [2, 5],
      ]),
    ).toBe(1)
    expect(
      await of([
        [2, 5],
        [2, 6],
      ]),
    ).toBe(0.5)
    expect(
      await of([
        [1, 5.5],
        [2, 5],
      ]),
    ).toBe(0)
  })

  test('a missing score: no area', () => {
    const metric = auc()
    const state = metric.start()
    const truth = Float32Array.of(0, 1, 1)
    metric.add(state, { truth, prediction: Float32Array.of(0, NaN, 1), rows: 3, columns: 1, weights: null })
    expect(metric.result(state)).toBeNaN()
  })

  test('one class only: no area', async () => {
    const metrics = [auc(), auc({ curve: 'PR', name: 'pr' })]
    for (const truth of [column([1, 1]), column([0, 0])]) {
      expect(await logsOf({ scores: column([0.1, 0.2]), truth }, { metrics })).toMatchObject({
        auc: NaN,
        pr: NaN,
      })
    }
  })

  test('scores of any size and sign are told apart', async () => {
    const scores = [-Infinity, -3e38, -1, -1e-45, -0, 0, 1e-45, 1, 3e38, Infinity].map(f32)
    // every second one is true: of 5 * 5 pairs a true one is above in 1 + 2 + 3 + 4 + 5, and -0 ties with 0
    const truth = scores.map((_, i) => i % 2)
    const logs = await logsOf({ scores: column(scores), truth: column(truth) }, { metrics: [auc()] })
    expect(logs.auc).toBe((15 - 0.5) / 25)
  })
})

test('whatever a metric is named, it is no other result of its output', async () => {
  const net = sequential({ inputShape: [2], layers: [activation({ activation: 'linear' })] })
  const metrics = ['rows', 'prediction', 'mask'].map((name) => sparseCategoricalAccuracy({ name }))
  const loss = sparseCategoricalCrossentropy({ ignoreIndex: -1 })
  net.compile({ loss, metrics: [...metrics, perplexity({ name: 'terms of rows' }), precision()] })
  // the first of two rows that count is right
  const logs = await net.evaluate(
    [
      [0.1, 0.9],
      [0.6, 0.4],
      [0.5, 0.5],
    ],
    [1, 1, -1],
    { batchSize: 2 },
  )
  expect(logs.loss).toBeCloseTo(-(Math.log(0.9) + Math.log(0.4)) / 2, 6)
  expect(logs).toMatchObject({ rows: 0.5, prediction: 0.5, mask: 0.5, precision: 0.5 })
  expect(logs['terms of rows']).toBeCloseTo(1 / Math.sqrt(0.9 * 0.4), 5)
})

const x0 = (rows: number[][]) => rows

describe('fit', () => {
  const net = () =>
    sequential({ inputShape: [2], layers: [dense({ units: 1, activation: 'sigmoid' })] }).compile({
      loss: 'binaryCrossentropy',
      optimizer: sgd({ learningRate: 0 }),
      metrics: [auc(), precision()],
    })
  const x = Float32Array.from({ length: 40 }, (_, i) => ((i * 7919 + 13) % 101) / 50 - 1)
  const y = Float32Array.from({ length: 20 }, (_, i) => (i % 3) & 1)

  test('logs host metrics of training and validation; none that must sort while an epoch runs', async () => {
    const kept = net()
    const during: string[][] = []
    const history = await kept.fit(x, y, {
      epochs: 2,
      batchSize: 6,
      validationData: [x, y],
      callbacks: [{ onBatchEnd: (_, logs) => void during.push(Object.keys(logs)) }],
    })
    expect(Object.keys(history)).toEqual(['loss', 'auc', 'precision', 'val_loss', 'val_auc', 'val_precision'])
    // nothing moves, so that every epoch is the same
    const once = await kept.evaluate(x, y)
    for (const key of ['auc', 'precision'])
      expect([...history[key], ...history[`val_${key}`]]).toEqual([1, 2, 3, 4].map(() => once[key]))
    expect(during[0]).toEqual(['loss'])
    expect(kept.trainStep(x, y)).toEqual(once)
  })

  test('a metric of one’s own', async () => {
    interface State {
      largest: number
      rows: number
    }
    const largest: Metric<State> = {
      name: 'largest',
      start: () => ({ largest: 0, rows: 0 }),
      add(state, { prediction, truth, rows, columns, weights }) {
        expect([prediction.length, truth.length, columns, weights]).toEqual([rows, rows, 1, null])
        state.rows += rows
        state.largest = Math.max(state.largest, ...prediction)
      },
      result: ({ largest, rows }) => [largest, rows],
    }
    const kept = net().compile({ loss: 'binaryCrossentropy', metrics: [largest] })
    const logs = await kept.evaluate(x, y, { batchSize: 7 })
    expect(logs.largest_0).toBe(Math.max(...kept.predict(x).data))
    expect(logs.largest_1).toBe(20)
  })

  test('a saved model keeps its metrics', async () => {
    const kept = net().compile({
      loss: 'mse',
      metrics: ['mae', auc(), huber({ delta: 2 })],
      weightedMetrics: ['mse', r2Score()],
    })
    const again = load(kept.save())
    const logs = await again.evaluate(x, y)
    expect(Object.keys(logs)).toEqual(['loss', 'mae', 'auc', 'huber', 'mse', 'r2Score'])
    expect(logs).toEqual(await kept.evaluate(x, y))
  })
})

describe('refused', () => {
  const compiled = (options: Partial<Options>) => () =>
    sequential({ inputShape: [3], layers: [activation({ activation: 'linear', name: 'out' })] }).compile({
      loss: 'mse',
      ...options,
    })

  test.each<[string, string | RegExp, () => unknown]>([
    [
      'a constructor’s name',
      'metric "auc" must be imported: metrics: [auc()]',
      compiled({ metrics: ['auc' as 'mae'] }),
    ],
    [
      'a misspelt one',
      /^unknown metric "presicion"; did you mean "precision"\?/,
      compiled({ metrics: ['presicion' as 'mae'] }),
    ],
    [
      'a constructor not called',
      'unknown metric: got function auc; call it if it makes one',
      compiled({ metrics: [auc as unknown as MetricLike] }),
    ],
    [
      'an object that is no metric',
      'metrics of out must be names, losses or objects { name, start, add, result }; got { name }',
      compiled({ metrics: [{ name: 'mine' } as unknown as MetricLike] }),
    ],
    [
      'no name',
      'metrics of out: name must be a string (and not "toString"); got ""',
      compiled({ metrics: [{ ...auc(), name: '' }] }),
    ],
    [
      'two of a name',
      'metrics of out: the name auc is taken',
      compiled({ metrics: [auc(), auc({ curve: 'PR' })] }),
    ],
    ['the name loss', /the name loss is taken/, compiled({ metrics: [auc({ name: 'loss' })] })],
    [
      'one-hot rows where there are labels',
      'metric categoricalAccuracy of out needs a target for every element; sparseCategoricalCrossentropy takes class labels',
      compiled({ loss: 'sparseCategoricalCrossentropy', metrics: [categoricalAccuracy()] }),
    ],
    [
      'labels where there are none',
      'metric sparseCategoricalAccuracy of out needs class labels; mse takes a target for every element'.replace(
        'mse',
        'meanSquaredError',
      ),
      compiled({ metrics: [sparseCategoricalAccuracy()] }),
    ],
    [
      'an unknown option',
      /^unknown auc option "curv"; did you mean "curve"/,
      () => auc({ curv: 'PR' } as object),
    ],
    ['a curve', 'auc: curve must be "ROC" or "PR"; got "pr"', () => auc({ curve: 'pr' as 'PR' })],
    [
      'k',
      'topKCategoricalAccuracy: k must be a positive integer; got 0',
      () => topKCategoricalAccuracy({ k: 0 }),
    ],
    [
      'an average',
      'f1Score: average must be "micro", "macro", "weighted" or null; got "mean"',
      () => f1Score({ average: 'mean' as 'macro' }),
    ],
    ['topK of f1Score', /^unknown f1Score option "topK"/, () => f1Score({ topK: 2 } as object)],
    [
      'matrix: lengths',
      'confusionMatrix: expected 2 rows of yTrue, as of yPred; got 3 elements',
      () => confusionMatrix([1, 0, 1], [1, 0]),
    ],
    [
      'matrix: a class',
      'confusionMatrix: row 1 of yPred must be a class from 0 to 2; got 5',
      () => confusionMatrix([1, 0], [1, 5], { numClasses: 3 }),
    ],
    [
      'matrix: nothing',
      'confusionMatrix: yTrue must be a tensor or a list of numbers; got undefined',
      () => (confusionMatrix as () => unknown)(),
    ],
    [
      'matrix: a stray id',
      'confusionMatrix: row 1 of yTrue must be a class from 0 to 4095; got 1000000',
      () => confusionMatrix([0, 1e6], [1, 0]),
    ],
    [
      'matrix: NaN',
      'confusionMatrix: yPred: element 1 must be a number; got NaN',
      () => confusionMatrix([0, 1], [1, Number.NaN]),
    ],
    [
      'matrix: NaN in a row',
      'confusionMatrix: yTrue: element 2 must be a number; got NaN',
      () =>
        confusionMatrix(
          [
            [1, 0],
            [Number.NaN, 1],
          ],
          [0, 1],
        ),
    ],
    [
      'matrix: ragged rows',
      'confusionMatrix: yPred: expected 2 elements at depth 1, as in the first list; got 1 elements',
      () => confusionMatrix([1, 0], [[0.9, 0.1], [0.2]]),
    ],
    [
      'matrix: a tensor with too little data',
      'confusionMatrix: yPred: expected 4 elements for shape [2,2]; got 3',
      () => confusionMatrix([1, 0], { shape: [2, 2], data: Float32Array.of(1, 0, 1) }),
    ],
    [
      'matrix: rows of other widths',
      'confusionMatrix: expected 2 rows of yTrue, as of yPred; got 6 elements',
      () =>
        confusionMatrix(
          [
            [1, 0, 0],
            [0, 1, 0],
          ],
          [
            [1, 0],
            [0, 1],
          ],
        ),
    ],
    [
      'matrix: weights',
      'confusionMatrix: sampleWeight: element 0 must be a number; got "a"',
      () => confusionMatrix([1, 0], [1, 0], { sampleWeight: ['a', 'b'] as unknown as number[] }),
    ],
  ])('%s', (_, message, call) => refused(message, call))

  test('a class that isn’t there, when the first batch comes', async () => {
    const rows = { scores: [[1, 2]], truth: [[0, 1]] }
    await expect(logsOf(rows, { metrics: [recall({ classId: 2 })] })).rejects.toThrow(
      'recall: classId must be below 2; got 2',
    )
  })
})

test("the name 'cosineSimilarity' logs the similarity, as its constructor does", async () => {
  const logged = async (metric: 'cosineSimilarity' | Metric) => {
    const model = sequential({ inputShape: [2], layers: [activation({ activation: 'linear' })] })
    model.compile({ loss: 'cosineSimilarity', metrics: [metric] })
    return model.evaluate(
      [
        [3, 4],
        [1, 0],
      ],
      [
        [0, 2],
        [1, 0],
      ],
    )
  }
  const logs = await logged('cosineSimilarity')
  expect(logs.cosineSimilarity).toBeCloseTo(0.9, 6)
  expect(logs.loss).toBeCloseTo(0.1, 6)
  expect((await logged(cosineSimilarityMetric())).cosineSimilarity).toBeCloseTo(0.9, 6)
})
