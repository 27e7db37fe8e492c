// What assembly/math.ts and assembly/functions/ state of their errors, with the float64 function each is held to.
// `at` is an argument whose error is close to the bound: where main.ts, which goes over every float32, found it. An error is
// measured in the spacing of floats at the exact result (ulp), or, with `share`, as a share of the argument.
import * as abi from '../../assembly/abi.ts'
import { erf } from '../reference/erf.ts'
import { unaryFormulas } from '../reference/unary.ts'

export interface Stated {
  /** An export of test/assembly/math-entry.ts (`<name>Array`), or the code of a unary function. */
  readonly name: string
  readonly code?: number
  readonly exact: (x: number) => number
  /** Where the bound holds. Default: every float32. */
  readonly from?: number
  readonly to?: number
  readonly share?: boolean
  /** f(-x) = -f(x), to the bit. */
  readonly isOdd?: boolean
  /** It isn't monotonic. */
  readonly turns?: boolean
  readonly bound: number
  readonly at?: number
  /** Arguments where its formula changes or its result reaches an end. */
  readonly ends?: readonly number[]
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))

export const STATED: readonly Stated[] = [
  { name: 'sigmoid', exact: sigmoid, from: -87, bound: 2.481, at: -16.635704040527344, ends: [16.64, 89] },
  { name: 'tanh', exact: Math.tanh, isOdd: true, bound: 2.669, at: 0.06179806962609291, ends: [9.01, 10] },
  {
    name: 'exp',
    exact: Math.exp,
    bound: 0.989,
    at: -27.378984451293945,
    ends: [-104, -103.28, -87.34, 88.73, 89],
  },
  {
    name: 'expm1',
    exact: Math.expm1,
    from: -80,
    to: 80,
    bound: 1.52,
    at: 0.3881009519100189,
    ends: [-17.33, -0.3466, 0.3466],
  },
  { name: 'log', exact: Math.log, bound: 1, at: 1.4133185148239136, ends: [Math.SQRT1_2, Math.SQRT2] },
  { name: 'log1p', exact: Math.log1p, bound: 1, ends: [-0.29, 0.41] },
  {
    name: 'erf',
    exact: (x) => (Math.abs(x) > 6 ? Math.sign(x) : erf(x)),
    isOdd: true,
    bound: 3.156,
    at: 0.006906184367835522,
    ends: [3.83, 4],
  },
  {
    name: 'gelu',
    code: abi.FN_GELU,
    exact: (x) => unaryFormulas.gelu(x, 1),
    share: true,
    turns: true,
    bound: 2.2e-7,
  },
]

/** Where every float is worth a look, also where only a grid is scanned. */
export function placesOf({ at = 0, from = 0, to = 0, ends = [] }: Stated): number[] {
  const all = [0, 2 ** -126, 1, Number.POSITIVE_INFINITY].flatMap((x) => [x, -x])
  return [...all, at, from, to, ...ends]
}

const float = new Float32Array(1)
const bits = new Int32Array(float.buffer)

/** The spacing of floats at `x`: 2^-149 for denormals. */
export function ulpOf(x: number): number {
  float[0] = Math.abs(x)
  return 2 ** (Math.min(Math.max(bits[0] >> 23, 1), 254) - 150)
}

/** 3.4e38 + half an ulp and above count as 2^128, as in rounding. */
const finite = (x: number): number => (Math.abs(x) === Number.POSITIVE_INFINITY ? Math.sign(x) * 2 ** 128 : x)

/** The error of `got` at `x`; 0 where it is the float nearest to the exact result, infinite where only one is NaN. */
export function errorAt({ exact, share }: Stated, x: number, got: number, want = exact(x)): number {
  const rounded = Math.fround(want)
  if (got === rounded || (Number.isNaN(got) && Number.isNaN(want))) return 0
  const error = Math.abs(finite(got) - (Math.abs(want) > 2 ** 128 ? finite(rounded) : want))
  if (Number.isNaN(error)) return Number.POSITIVE_INFINITY
  return error / (share ? Math.abs(x) : ulpOf(rounded))
}
