// The random part of the case table: lengths around the eight values of a turn, every kind, a seed of more than 32 bits.
import * as abi from '../../assembly/abi.ts'
import { dropout, random } from '../../src/operations/random.ts'
import { kernelCase, of } from './case.ts'

const kinds = [
  ['uniform', abi.RANDOM_UNIFORM, 0],
  ['bernoulli', abi.RANDOM_BERNOULLI, 0.3],
  ['normal', abi.RANDOM_NORMAL, 1.5],
] as const

const draws = kinds.flatMap(([name, kind, param]) =>
  [1, 3, 4, 5, 8, 13, 33].map((count) =>
    kernelCase(
      random,
      `${name} ${count}`,
      [],
      { shape: [count], kind, param, seed: 5 + 2 ** 33, stream: 0x9abcdef0 },
      [],
    ),
  ),
)

const dropouts = kinds
  .slice(1)
  .flatMap(([name, kind, param]) =>
    [1, 4, 7, 13, 33].map((count) =>
      kernelCase(
        dropout,
        `${name} ${count}`,
        [of([count])],
        { kind, param, seed: 5 + 2 ** 33, stream: 7 },
        [0],
      ),
    ),
  )

export const randomCases = [...draws, ...dropouts]
