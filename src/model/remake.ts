// Makes values again from the plain data of files and messages, which is untrusted. Only `load` and models in workers need these
// tables.
import { nonNeg, ofNorms } from '../layers/constraints.ts'
import { glorotNormal, heNormal, lecunNormal, randomNormal, truncatedNormal } from '../layers/normal.ts'
import { orthogonal } from '../layers/orthogonal.ts'
import { remade } from '../numerics/brought.ts'
import { isRecord } from '../numerics/errors.ts'
import { accumulateGradients } from '../training/accumulation.ts'
import { movingAverage } from '../training/moving-average.ts'
import type { Optimizer } from '../training/optimizer.ts'
import { optimizers } from '../training/rare-optimizers.ts'
import {
  cosineDecay,
  exponentialDecay,
  inverseSqrtDecay,
  inverseTimeDecay,
  linearWarmup,
  multiStepDecay,
  polynomialDecay,
  type Schedule,
  stepDecay,
} from '../training/schedules.ts'

const schedules = {
  cosineDecay,
  exponentialDecay,
  inverseSqrtDecay,
  inverseTimeDecay,
  linearWarmup: ({ after, ...options }: Parameters<typeof linearWarmup>[0]): Schedule =>
    linearWarmup({ ...options, after: remadeSchedule(after) }),
  multiStepDecay,
  polynomialDecay,
  stepDecay,
}

/** The schedule of plain data, or null. @throws LanegradError on data that none of the constructors made */
export const remadeSchedule = (data: unknown): Schedule | null => remade('schedule', schedules, data)

const constraints = {
  maxNorm: (options: object) => ofNorms('maxNorm', options),
  minMaxNorm: (options: object) => ofNorms('minMaxNorm', options),
  nonNeg: () => nonNeg(),
  unitNorm: (options: object) => ofNorms('unitNorm', options, 1),
}

const initializers = { orthogonal, randomNormal, truncatedNormal, glorotNormal, heNormal, lecunNormal }

/**
 * The description of a network with its constraints and initializers made again: those of its layers, and of layers within
 * them.
 */
export function remadeValues(data: unknown): unknown {
  if (Array.isArray(data)) return data.map(remadeValues)
  if (!isRecord(data)) return data
  const entries = Object.entries(data).map(([key, value]) => [
    key,
    isRecord(value) && /constraint$/i.test(key)
      ? remade('constraint', constraints, value)
      : isRecord(value) && /initializer$/i.test(key) && Object.hasOwn(initializers, `${value.kind}`)
        ? remade('initializer', initializers, value)
        : remadeValues(value),
  ])
  return Object.fromEntries(entries)
}

/** An optimizer whose values are made again; nothing else is checked. Older files have other names for these values. */
export function remadeOptimizer(data: Readonly<Record<string, unknown>>): Optimizer {
  const { useEma, emaMomentum, emaOverwriteFrequency, gradientAccumulationSteps, ...own } = data
  const {
    schedule,
    ema = useEma && {
      kind: 'movingAverage',
      momentum: emaMomentum,
      overwriteFrequency: emaOverwriteFrequency,
    },
    accumulation = gradientAccumulationSteps && {
      kind: 'accumulateGradients',
      steps: gradientAccumulationSteps,
    },
  } = own
  const known = Object.entries(optimizers).find(([name]) => name === own.kind)
  const sums = { accumulateGradients: ({ steps }: { steps: number }) => accumulateGradients(steps) }
  return {
    ...own,
    formula: known?.[1]().formula,
    schedule: remadeSchedule(schedule),
    ema: remade('ema', { movingAverage }, ema || null),
    accumulation: remade('accumulation', sums, accumulation || null),
  } as unknown as Optimizer
}
