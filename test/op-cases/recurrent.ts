// The recurrent part of the case table: units and batches around the vector and tile widths, one step and several, both
// orders of time, masks with leading, inner and final gaps, initial states, and a batch or product that needs every
// path of the matmul.
import { unaryFunctions } from '../../src/graph/functions.ts'
import type { Kernel } from '../../src/graph/kernel.ts'
import {
  gru,
  gruBefore,
  lstm,
  type RecurrentAttributes,
  reverse,
  simpleRnn,
} from '../../src/operations/recurrent.ts'
import { type CaseInput, type Domain, kernelCase, of } from './case.ts'

const HALF: Domain = { from: -0.5, to: 0.5 }
/** 1 or 0, about two to one */
const STEPS: Domain = { from: 0, to: 1, via: (x) => Number(x > 0.35) }

interface Sizes {
  readonly batch: number
  readonly steps: number
  readonly units: number
}

interface Form {
  readonly sequence?: boolean
  readonly reverse?: boolean
  readonly mask?: boolean
  readonly state?: boolean
  readonly fn?: 'tanh' | 'relu' | 'sigmoid' | 'linear'
}

type Recurrent = Kernel<RecurrentAttributes>

/** Columns of xz and of the recurrent kernel, in units. */
const widths = new Map<Recurrent, readonly [parts: number, width: number]>([
  [lstm, [4, 4]],
  [gru, [3, 3]],
  [gruBefore, [3, 2]],
  [simpleRnn, [1, 1]],
])

function recurrentCase(
  kernel: Recurrent,
  { batch, steps, units }: Sizes,
  { sequence = false, reverse = false, mask = false, state = false, fn = 'tanh' }: Form = {},
) {
  const [parts, width] = widths.get(kernel) ?? [1, 1]
  const all: readonly (CaseInput | null)[] = [
    of([batch, steps, parts * units]),
    of([units, width * units], HALF),
    kernel === gruBefore ? of([units, units], HALF) : null,
    kernel === gru && !reverse ? of([width * units]) : null,
    mask ? of([batch, steps], STEPS) : null,
    state ? of([batch, units]) : null,
    kernel === lstm && state ? of([batch, units]) : null,
  ]
  const given = all.map((input) => input !== null)
  const inputs = all.filter((input) => input !== null)
  const marks = Object.entries({ sequence, reverse, mask, state })
    .filter(([, on]) => on)
    .map(([name]) => name)
  return kernelCase(
    kernel,
    [`${batch}x${steps}x${units}`, fn, ...marks].join(' '),
    inputs,
    { given, sequence, reverse, fn: unaryFunctions[fn] },
    inputs.flatMap(({ domain }, i) => (domain === STEPS ? [] : [i])),
  )
}

const everyCell = [lstm, gru, gruBefore, simpleRnn].flatMap((kernel) => [
  recurrentCase(kernel, { batch: 1, steps: 1, units: 1 }),
  recurrentCase(kernel, { batch: 2, steps: 3, units: 5 }, { state: true }),
  recurrentCase(kernel, { batch: 3, steps: 2, units: 4 }, { sequence: true }),
  recurrentCase(kernel, { batch: 2, steps: 4, units: 3 }, { sequence: true, reverse: true }),
  recurrentCase(kernel, { batch: 5, steps: 4, units: 3 }, { mask: true, reverse: true }),
  recurrentCase(kernel, { batch: 4, steps: 5, units: 2 }, { sequence: true, mask: true, state: true }),
])

export const recurrentCases = [
  ...everyCell,
  recurrentCase(lstm, { batch: 9, steps: 2, units: 17 }, { sequence: true }),
  recurrentCase(lstm, { batch: 2, steps: 2, units: 70 }), // 4 u floats: two blocks of depth on the way back
  ...(['relu', 'sigmoid', 'linear'] as const).map((fn) =>
    recurrentCase(simpleRnn, { batch: 2, steps: 3, units: 6 }, { sequence: true, mask: true, fn }),
  ),
  kernelCase(reverse, '[2,5] axis 1', [of([2, 5])], { axis: 1 }, [0]),
  kernelCase(reverse, '[2,3,4] axis 1', [of([2, 3, 4])], { axis: 1 }, [0]),
  kernelCase(reverse, '[1] axis 0', [of([1])], { axis: 0 }, [0]),
]
