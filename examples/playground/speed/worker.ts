// The race, away from the page's thread: the same network with the same first weights and batches, trained in turns by
// lanegrad and by plain JavaScript (bench/subjects/plain-js.mjs). Enters: a Problem. Leaves: a Lap after every turn.
import { dense, optimizers, sequential, sparseCategoricalCrossentropy } from 'lanegrad'
import { subject } from '../../../bench/subjects/plain-js.mjs'
import { randomNumbers } from '../points/data.ts'

export interface Problem {
  readonly hidden: number
  readonly batchSize: number
  /** For each side. */
  readonly seconds: number
}

export interface Side {
  readonly steps: number
  /** Spent in steps. */
  readonly ms: number
  /** The fastest turn, ms a step. */
  readonly best: number
  /** After `LOSS_STEP` steps: what shows that both compute the same. */
  readonly loss: number
}

export interface Lap {
  readonly wasm: Side
  readonly plain: Side
  readonly isDone: boolean
}

export const INPUTS = 784
export const CLASSES = 10
export const LOSS_STEP = 50
const TURN_MS = 120
const BATCHES = 8
const RATE = 0.001

interface Runner {
  step(i: number): number
}

/** Gaussian-like pixels around a pattern of the class, so that there is something to learn. */
function batchesOf(batchSize: number) {
  const random = randomNumbers(5)
  const patterns = Float32Array.from({ length: CLASSES * INPUTS }, () => random())
  return Array.from({ length: BATCHES }, () => {
    const y = Int32Array.from({ length: batchSize }, () => Math.floor(random() * CLASSES))
    const x = Float32Array.from(
      { length: batchSize * INPUTS },
      (_, i) => 0.5 * patterns[y[Math.floor(i / INPUTS)] * INPUTS + (i % INPUTS)] + 0.5 * random(),
    )
    return { x, y }
  })
}

function runners({ hidden, batchSize }: Problem): { wasm: Runner; plain: Runner } {
  const batches = batchesOf(batchSize)
  const model = sequential({
    inputShape: [INPUTS],
    layers: [
      dense({ name: 'hidden', units: hidden, activation: 'relu' }),
      dense({ name: 'output', units: CLASSES }),
    ],
  })
  model.compile({
    optimizer: optimizers.adam({ learningRate: RATE }),
    loss: sparseCategoricalCrossentropy({ fromLogits: true }),
  })
  const first = model.getWeights()
  const layerOf = (name: string, units: number, activation: string) => ({
    units,
    activation,
    weights: { kernel: first[`${name}/kernel`], bias: first[`${name}/bias`] },
  })
  const plain = subject.trainer({
    layers: [layerOf('hidden', hidden, 'relu'), layerOf('output', CLASSES, 'linear')],
    loss: 'crossEntropy',
    optimizer: 'adam',
    learningRate: RATE,
    batchSize,
    batches,
  })
  const data = batches.map(({ x, y }) => ({
    x: { shape: [batchSize, INPUTS], data: x },
    y: { shape: [batchSize], data: y },
  }))
  return {
    wasm: {
      step(i) {
        const { x, y } = data[i % BATCHES]
        return model.trainStep(x, y).loss
      },
    },
    plain: {
      step(i) {
        plain.step(i)
        return plain.loss()
      },
    },
  }
}

interface Count {
  steps: number
  ms: number
  best: number
  loss: number
  next: number
}
const start = (): Count => ({ steps: 0, ms: 0, best: Number.POSITIVE_INFINITY, loss: Number.NaN, next: 0 })

/** Steps for a turn's time; what is counted starts anew after the first turn, which warms up. */
function turn(runner: Runner, count: Count, isWarm: boolean): void {
  const begin = performance.now()
  let steps = 0
  let now = begin
  while (now - begin < TURN_MS) {
    const loss = runner.step(count.next)
    count.next++
    if (count.next === LOSS_STEP) count.loss = loss
    steps++
    now = performance.now()
  }
  if (!isWarm) return
  count.steps += steps
  count.ms += now - begin
  count.best = Math.min(count.best, (now - begin) / steps)
}

const scope = self as unknown as {
  onmessage: ((event: MessageEvent<Problem>) => void) | null
  postMessage(lap: Lap): void
}

async function race(problem: Problem): Promise<void> {
  const { wasm, plain } = runners(problem)
  const counts = { wasm: start(), plain: start() }
  const turns = Math.max(2, Math.round((problem.seconds * 1000) / TURN_MS))
  for (let i = 0; i <= turns; i++) {
    turn(wasm, counts.wasm, i > 0)
    turn(plain, counts.plain, i > 0)
    // too few steps by now for the comparison of losses: go on until they are
    if (i === turns)
      for (const [runner, count] of [
        [wasm, counts.wasm],
        [plain, counts.plain],
      ] as const)
        while (count.next < LOSS_STEP) {
          const loss = runner.step(count.next)
          if (++count.next === LOSS_STEP) count.loss = loss
        }
    scope.postMessage({ wasm: { ...counts.wasm }, plain: { ...counts.plain }, isDone: i === turns })
    await new Promise((done) => setTimeout(done, 0))
  }
}

// thrown out of the promise: the page hears of a worker's errors, not of its rejections
scope.onmessage = ({ data }) => {
  race(data).catch((error) =>
    setTimeout(() => {
      throw error
    }),
  )
}
