// The planner by its laws, on random input: no two buffers that live at the same time overlap; the peak is at least
// the bytes alive and not much more; freed and not yet written memory can hold anything (it is poisoned with NaN
// between instructions) without changing a bit of any result; sharing memory changes no result (a float64
// evaluation in which nothing is shared agrees).
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OP_RARE_UPDATE, OP_UPDATE, UPDATE_UNFINISHED } from '../../assembly/abi.ts'
import { isOf, type Op } from '../../src/graph/kernel.ts'
import { matmulKernel } from '../../src/graph/ops/matmul.ts'
import { copyKernel } from '../../src/graph/ops/moves.ts'
import type { Value } from '../../src/graph/value.ts'
import { checkPlan } from '../../src/plan/check.ts'
import { type Lifetime, placeBuffers } from '../../src/plan/memory.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { regionsOf } from '../../src/plan/regions.ts'
import type { PlannedBuffer } from '../../src/plan/storage.ts'
import { updateInstructions } from '../../src/plan/update.ts'
import { Engine } from '../../src/runtime/engine.ts'
import { bufferBytes, layoutOf } from '../../src/session/layout.ts'
import { updateOf } from '../../src/training/optimizer.ts'
import { optimizers } from '../../src/training/rare-optimizers.ts'
import { evaluate } from '../reference/ops.ts'
import type { TestBuilder } from '../support/builder.ts'
import { type Gene, randomLeaves, writeRandomGraph } from '../support/random-graph.ts'
import { collect, feed, type Prepared, prepareGraph, type Run, type Wanted } from '../support/run-graph.ts'

const SEED = 20
const lifetimes = fc.array(
  fc
    .tuple(fc.integer({ min: 1, max: 40 }), fc.nat(30), fc.nat(12))
    .map(([lines, first, length]): Lifetime => ({ bytes: lines * 64, first, last: first + length })),
  { maxLength: 40 },
)
const genes: fc.Arbitrary<Gene[]> = fc.array(fc.tuple(fc.nat(63), fc.nat(40), fc.nat(40)), {
  minLength: 1,
  maxLength: 24,
})

interface Placed {
  readonly from: number
  readonly to: number
  readonly first: number
  readonly last: number
}

/** The first pair that shares an address and a moment, by comparing every pair. */
function collision(buffers: readonly Placed[]): readonly [Placed, Placed] | null {
  for (const [i, a] of buffers.entries()) {
    for (const b of buffers.slice(i + 1)) {
      const inSpace = a.from < b.to && b.from < a.to
      const inTime = a.first <= b.last && b.first <= a.last
      if (inSpace && inTime) return [a, b]
    }
  }
  return null
}

/** The most bytes alive at one moment, by counting at every moment. */
function mostAlive(buffers: readonly Lifetime[]): number {
  let most = 0
  for (let moment = 0; moment < 64; moment++) {
    const alive = buffers.filter(({ first, last }) => first <= moment && moment <= last)
    most = Math.max(
      most,
      alive.reduce((sum, { bytes }) => sum + bytes, 0),
    )
  }
  return most
}

describe('placeBuffers', () => {
  test('no two buffers that live at once overlap; the peak is the end of the highest', () => {
    fc.assert(
      fc.property(lifetimes, (buffers) => {
        const { offsets, peakBytes } = placeBuffers(buffers)
        const placed = buffers.map((b, i) => ({ ...b, from: offsets[i], to: offsets[i] + b.bytes }))
        expect(collision(placed)).toBeNull()
        expect(peakBytes).toBe(Math.max(0, ...placed.map(({ to }) => to)))
        for (const { from } of placed) expect(from % 64).toBe(0)
      }),
      { numRuns: 300, seed: SEED },
    )
  })

  test('the peak is at least the bytes alive at any moment, and at most 1.15 times that', () => {
    fc.assert(
      fc.property(lifetimes, (buffers) => {
        const { peakBytes, lowerBoundBytes } = placeBuffers(buffers)
        expect(lowerBoundBytes).toBe(mostAlive(buffers))
        expect(peakBytes).toBeGreaterThanOrEqual(lowerBoundBytes)
        expect(peakBytes).toBeLessThanOrEqual(1.15 * lowerBoundBytes)
      }),
      { numRuns: 300, seed: SEED },
    )
  })

  test('buffers that never meet share one place; buffers that all meet are stacked', () => {
    const apart = [0, 2, 4].map((first) => ({ bytes: 128, first, last: first + 1 }))
    expect(placeBuffers(apart)).toEqual({ offsets: [0, 0, 0], peakBytes: 128, lowerBoundBytes: 128 })
    const together = [64, 128, 64].map((bytes) => ({ bytes, first: 0, last: 3 }))
    expect(placeBuffers(together).peakBytes).toBe(256)
  })
})

describe('layoutOf', () => {
  test('trainable parameters first and contiguous; gradients and slots in the same order', () => {
    const specs = [
      { name: 'a', shape: [3], trainable: true },
      { name: 'frozen', shape: [17], trainable: false },
      { name: 'b', shape: [4, 5], trainable: true },
    ]
    // header 64; a 64 bytes; b 128; frozen 128; gradients 192; two slots of 192
    const layout = layoutOf(1024, specs, 2)
    expect([...layout.parameters]).toEqual([
      ['a', 1088],
      ['b', 1152],
      ['frozen', 1280],
    ])
    expect([...layout.gradients]).toEqual([
      ['a', 1408],
      ['b', 1472],
    ])
    expect([layout.slotsStart, layout.end]).toEqual([1600, 1984])
  })
})

/** Fills with NaN all transient memory but the buffers written by `before` (or earlier) and read by `next` (or later). */
function poison(engine: Engine, plan: Plan, next: number): void {
  const { start, end } = regionsOf(plan).find(({ name }) => name === 'transient') ?? { start: 0, end: 0 }
  const kept = plan.transient
    .filter(({ first, last }) => first < next && last >= next)
    .map(({ address, bytes }) => ({
      address,
      data: engine.floatView(address, bytes / 4).slice() as Float32Array,
    }))
  engine.floatView(start, (end - start) / 4).fill(Number.NaN)
  for (const { address, data } of kept) engine.write(address, data)
}

/** Operation by operation, with poison between them. */
function runPoisoned(engine: Engine, prepared: Prepared): Run {
  const { plan } = prepared
  feed(engine, prepared)
  let address = plan.programStart
  let current: unknown = null
  for (const { op, instruction } of plan.steps) {
    if (op && op !== current) poison(engine, plan, plan.graph.ops.indexOf(op))
    current = op
    const end = address + 4 * (1 + instruction.operands.length)
    engine.run(address, end)
    address = end
  }
  poison(engine, plan, plan.graph.ops.length)
  return collect(engine, prepared)
}

function runPlain(engine: Engine, prepared: Prepared): Run {
  feed(engine, prepared)
  engine.forward()
  engine.backward()
  return collect(engine, prepared)
}

const bitsOf = ({ results, gradients }: Run) =>
  [...Object.entries(results), ...Object.entries(gradients)].map(([name, data]) => [
    name,
    [...new Int32Array(data.buffer, data.byteOffset, data.length)],
  ])

function expectNear(got: Float32Array, want: ArrayLike<number>, scale: number, what: string): void {
  let worst = 0
  for (let i = 0; i < want.length; i++) worst = Math.max(worst, Math.abs(got[i] - want[i]))
  expect(got.length, what).toBe(want.length)
  expect(worst / scale, what).toBeLessThan(2e-5)
}

/** The core's results and gradients against the float64 reference, in which every value has an array of its own. */
function checkAgainstReference(engine: Engine, prepared: Prepared): void {
  const { results, gradients } = runPlain(engine, prepared)
  const values = evaluate(prepared.ops, prepared.leaves)
  let scale = 1
  for (const array of values.values()) {
    for (let i = 0; i < array.length; i++) scale = Math.max(scale, Math.abs(array[i]))
  }
  for (const [name, value] of Object.entries(prepared.wanted.results))
    expectNear(results[name], values.get(value) ?? [], scale, name)
  prepared.gradientValues.forEach((value, i) => {
    const name = prepared.wanted.by?.[i].leaf?.name ?? ''
    if (!value) expect(gradients[name]).toBeUndefined()
    else
      expectNear(gradients[name], values.get(value) ?? value.leaf?.data ?? [], scale, `gradient by ${name}`)
  })
}

describe('a sum onto a value that is still read under another shape', () => {
  const engine = new Engine()

  test.each([
    ['made by an operation', true],
    ['a leaf', false],
  ])('%s', (_, isMade) => {
    const write = (g: TestBuilder, [x, y, a, b]: readonly Value[]): Wanted => {
      const shared = isMade ? g.unary('tanh', x) : x // [5,3]
      const sum = g.plus(g.matmul(a, b), g.reshape(shared, [3, 5])) // the matmul must not add onto `shared`
      return { results: { sum, later: g.times(g.sum(sum), g.plus(shared, y)) } }
    }
    const [x, , a] = randomLeaves(3) // [5,3], [3,7], [3,5]
    const square = { shape: [5, 5], data: new Float32Array(25).fill(0.25) }
    const prepared = prepareGraph(engine.base, write, [x, { ...x }, { ...a, kind: 'input' }, square])
    checkAgainstReference(engine, prepared)
  })
})

describe('plans of random graphs', () => {
  const engine = new Engine()
  const property = (check: (prepared: Prepared) => void) =>
    fc.assert(
      fc.property(genes, fc.nat(1000), (list, seed) => {
        check(prepareGraph(engine.base, writeRandomGraph(list), randomLeaves(seed)))
      }),
      { numRuns: 150, seed: SEED },
    )

  test('the graphs are not trivial: fused, accumulating, in place, shared and freed', () => {
    const seen = { ops: 0, biased: 0, activated: 0, accumulating: 0, shared: 0 }
    property(({ plan }) => {
      seen.ops += plan.graph.ops.length
      for (const op of plan.graph.ops) {
        if (!isOf(op, matmulKernel)) continue
        if (op.attributes.bias) seen.biased++
        if (op.attributes.fn.name !== 'linear') seen.activated++
        if (op.attributes.accumulate) seen.accumulating++
      }
      seen.shared += plan.transient.filter(({ values }) => values.length > 1).length
    })
    expect(seen.ops).toBeGreaterThan(3000)
    expect(seen.biased).toBeGreaterThan(10)
    expect(seen.activated).toBeGreaterThan(10)
    expect(seen.accumulating).toBeGreaterThan(10)
    expect(seen.shared).toBeGreaterThan(100)
  })

  test('live buffers, slots and regions are disjoint', () => {
    property(({ plan }) => {
      const { transient } = plan
      const regions = regionsOf(plan)
      const spaces = transient.map(({ address, bytes, ...life }) => ({
        from: address,
        to: address + bytes,
        ...life,
      }))
      expect(collision(spaces)).toBeNull()
      const always = { first: 0, last: plan.graph.ops.length }
      const slots = [plan.inputs, plan.results, plan.gradients].flatMap((map) => [...map.values()])
      const parameters = [...plan.layout.parameters.values()].map((address) => ({ address, shape: [] }))
      const pinned = [
        ...slots,
        ...plan.constants.map(({ address }) => ({ address, shape: [] })),
        ...parameters,
      ]
      const places = pinned.map(({ address, shape }) => ({
        from: address,
        to: address + 4 * shape.reduce((count, size) => count * size, 1),
        ...always,
      }))
      const region = regions.find(({ name }) => name === 'transient')
      places.push({ from: region?.start ?? 0, to: region?.end ?? 0, ...always })
      places.push({ from: plan.programStart, to: plan.programStart + 4 * plan.words.length, ...always })
      expect(collision(places)).toBeNull()
      for (let i = 1; i < regions.length; i++)
        expect(regions[i].start).toBeGreaterThanOrEqual(regions[i - 1].end)
    })
  })

  test('poisoning freed and unwritten memory changes no bit of any result or gradient', () => {
    property((prepared) => {
      expect(bitsOf(runPoisoned(engine, prepared))).toEqual(bitsOf(runPlain(engine, prepared)))
    })
  })

  test('results and gradients agree with a float64 evaluation in which nothing shares memory', () => {
    property((prepared) => checkAgainstReference(engine, prepared))
  })
})

describe('the proof of a plan', () => {
  const value = (id: number): Value => ({ id, shape: [16], dtype: 'float32', leaf: null })
  const [a, b] = [value(1), value(2)]
  const op: Op = {
    kernel: copyKernel,
    inputs: [a],
    output: b,
    extras: [],
    attributes: {},
    phase: 'forward',
    label: '',
  }
  const layout = layoutOf(64, [], 0) // its persistent regions end at 128
  /** Buffers of one cache line at these addresses, both alive in the one operation. */
  const check = (addressOfA: number, addressOfB: number | null) => {
    const buffer = (address: number | null, of: Value) => ({
      bytes: 64,
      first: 0,
      last: 0,
      address,
      values: [of],
    })
    const [first, second] = [buffer(addressOfA, a), buffer(addressOfB, b)]
    const transient = [first, second].filter((one): one is PlannedBuffer => one.address !== null)
    const graph = { ops: [op], results: new Map(), gradients: new Map(), updates: new Map() }
    const bufferOf = new Map([
      [a, first],
      [b, second],
    ])
    checkPlan({ graph, layout, bufferOf, transient, programStart: 256 })
  }

  test('two buffers beside each other pass', () => check(128, 192))
  test.each([
    ['no address', 128, null, '%2 of copy has no address'],
    ['between two cache lines', 128, 200, '%2 is not aligned'],
    ['in the header', 64, 192, '%1 lies outside'],
    ['over the program', 128, 256, '%2 lies outside'],
    ['one on the other', 128, 128, '%1 and %2 overlap'],
  ])('%s is refused', (_, first, second, message) => {
    expect(() => check(first, second)).toThrow(message)
  })
})

describe('the update phase', () => {
  const sizes = fc.array(fc.tuple(fc.constantFrom(1, 5, 40, 65535, 65536, 90000), fc.boolean()), {
    minLength: 1,
    maxLength: 8,
  })
  const rangesOf = (optimizer: 'adam' | 'nadam', weights: readonly (readonly [number, boolean])[]) => {
    const update = updateOf(optimizers[optimizer](), 1)
    const specs = weights.map(([size, trainable], i) => ({ name: `w${i}`, shape: [size], trainable }))
    const layout = layoutOf(64, specs, update.slotNames.length)
    const updates = updateInstructions(update, layout, specs).filter(
      ({ code }) => code === OP_UPDATE || code === OP_RARE_UPDATE,
    )
    const ranges = updates.map(({ operands: [, start, gradients, slots, stride, count] }) => {
      const at = start - layout.trainable.start
      expect([gradients, slots, stride]).toEqual([
        layout.gradientsStart + at,
        layout.slotsStart + at,
        layout.trainable.bytes,
      ])
      return [at, at + 4 * count]
    })
    const flags = updates.map(({ operands }) => operands[6])
    return { ranges, flags, bytes: layout.trainable.bytes, specs }
  }

  test('updates every weight once, a large one by itself', () => {
    fc.assert(
      fc.property(sizes, (weights) => {
        const { ranges, bytes } = rangesOf('adam', weights)
        expect(ranges.flat()).toEqual(
          bytes === 0 ? [] : [0, ...ranges.slice(1).flatMap(([from]) => [from, from]), bytes],
        )
        const lengths = weights.flatMap(([size, trainable]) => (trainable ? bufferBytes([size]) : []))
        const large = lengths.filter((length) => length >= 65536 * 4)
        for (const length of large) expect(ranges.map(([from, to]) => to - from)).toContain(length)
      }),
      { seed: SEED },
    )
  })

  test('nadam multiplies its product of momenta with the last piece alone', () => {
    const { flags } = rangesOf('nadam', [
      [90000, true],
      [5, true],
      [90000, true],
    ])
    expect(flags.map((own) => own & UPDATE_UNFINISHED)).toEqual([UPDATE_UNFINISHED, UPDATE_UNFINISHED, 0])
  })
})
