// Options whose values have names or forms of their own in Keras: activations, initializers, regularizers, constraints. Each is a
// field that reads and writes.
import { maxNorm, minMaxNorm, nonNeg, unitNorm } from '../../layers/constraints.ts'
import {
  constant,
  glorotUniform,
  heUniform,
  type Initializer,
  lecunUniform,
  ones,
  randomUniform,
  zeros,
} from '../../layers/initializers.ts'
import { glorotNormal, heNormal, lecunNormal, randomNormal, truncatedNormal } from '../../layers/normal.ts'
import { orthogonal } from '../../layers/orthogonal.ts'
import { isRecord, show } from '../../numerics/errors.ts'
import { type Config, type Dialect, type Field, own, type ReadPlace, same } from './row.ts'

/** Names of activations: Keras's, and ours. */
const ACTIVATIONS: Readonly<Record<string, string>> = {
  linear: 'linear',
  relu: 'relu',
  relu6: 'relu6',
  elu: 'elu',
  selu: 'selu',
  celu: 'celu',
  gelu: 'gelu',
  gelu_new: 'geluTanh',
  sigmoid: 'sigmoid',
  log_sigmoid: 'logSigmoid',
  tanh: 'tanh',
  softplus: 'softplus',
  softsign: 'softsign',
  softmax: 'softmax',
  log_softmax: 'logSoftmax',
  swish: 'silu',
  silu: 'silu',
  mish: 'mish',
  exponential: 'exponential',
  hard_silu: 'hardSwish',
  hard_swish: 'hardSwish',
  hard_tanh: 'hardTanh',
}

/** What the dialects have beside `linear` ... `swish`: names that the others lack. */
const OWN_ACTIVATIONS: Readonly<Record<Dialect, readonly string[]>> = {
  tfjs: ['gelu', 'relu6', 'mish', 'log_softmax'], // and gelu_new, which it can't load
  keras2: ['gelu', 'relu6', 'mish', 'log_softmax', 'exponential'],
  keras3: [
    ...[
      'celu',
      'gelu',
      'relu6',
      'mish',
      'log_softmax',
      'log_sigmoid',
      'exponential',
      'hard_silu',
      'hard_tanh',
    ],
  ],
}
const EVERYWHERE = [
  'linear',
  'relu',
  'elu',
  'selu',
  'sigmoid',
  'tanh',
  'softplus',
  'softsign',
  'softmax',
  'swish',
]

/** clip(slope x + 1/2, 0, 1) */
const hardSlope = (dialect: Dialect): number => (dialect === 'keras3' ? 1 / 6 : 0.2)

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

function readActivation(value: unknown, at: ReadPlace): unknown {
  const name = typeof value === 'string' ? snake(value) : value
  if (name === 'hard_sigmoid') return { name: 'hardSigmoid', alpha: hardSlope(at.dialect) }
  if (name === 'leaky_relu') return { name: 'leakyRelu', alpha: 0.2 }
  if (typeof name === 'string' && Object.hasOwn(ACTIVATIONS, name)) return ACTIVATIONS[name]
  return void at.refuse(`the activation ${show(isRecord(value) ? own(value, 'class_name') : value)}`)
}

/** The activation's name in a dialect; undefined if it has none. */
export function activationName({ name, alpha }: { name: string; alpha: number }, dialect: Dialect) {
  if (name === 'hardSigmoid') return (alpha || 1 / 6) === hardSlope(dialect) ? 'hard_sigmoid' : undefined
  if (name === 'leakyRelu') return dialect === 'keras3' && alpha === 0.2 ? 'leaky_relu' : undefined
  if ((name === 'elu' || name === 'celu') && alpha !== 1) return undefined
  const known = [...EVERYWHERE, ...OWN_ACTIVATIONS[dialect]]
  return known.find((own) => ACTIVATIONS[own] === (name === 'swish' ? 'silu' : name))
}

/** An activation; `absent`: Keras's where none is given, if that isn't ours. */
export const activationField = (own: string, absent?: Field['absent']): Field => ({
  own,
  ...(absent && { absent }),
  read: readActivation,
  write(value, at) {
    const given = value as { name: string; alpha: number }
    const name = activationName(given, at.dialect)
    if (name === undefined) at.refuse(`the activation ${given.name} (alpha ${given.alpha})`)
    return name
  },
})

// ---- classes with a config of their own -----------------------------------------------------------

interface Named {
  readonly name: string
  readonly config: Config
}

/** A value { class_name, config }, or a name alone. */
function named(value: unknown): Named {
  if (!isRecord(value)) return { name: String(value), config: {} }
  const config = own(value, 'config')
  return { name: String(own(value, 'class_name')), config: isRecord(config) ? config : {} }
}

/** The same in the form of a dialect. */
const classOf = (dialect: Dialect, className: string, config: Config, module: string): object => ({
  ...(dialect === 'keras3' && { module }),
  class_name: className,
  config,
  ...(dialect === 'keras3' && { registered_name: null }),
})

/** Initializers: ours, which has the name of its kind, and Keras's names of our options. */
const INITIALIZERS: Readonly<
  Record<
    string,
    readonly [make: (options: object) => Initializer, options?: Readonly<Record<string, string>>]
  >
> = {
  Zeros: [zeros],
  Ones: [ones],
  Constant: [constant, { value: 'value' }],
  RandomUniform: [randomUniform, { minval: 'minValue', maxval: 'maxValue' }],
  RandomNormal: [randomNormal, { mean: 'mean', stddev: 'stddev' }],
  TruncatedNormal: [truncatedNormal, { mean: 'mean', stddev: 'stddev' }],
  GlorotUniform: [glorotUniform],
  GlorotNormal: [glorotNormal],
  HeUniform: [heUniform],
  HeNormal: [heNormal],
  LecunUniform: [lecunUniform],
  LecunNormal: [lecunNormal],
  Orthogonal: [orthogonal, { gain: 'gain' }],
}

/** The name of our constructor of a class, and the class of a kind. */
const kindOf = (className: string): string => className[0].toLowerCase() + className.slice(1)

/** Those that TensorFlow.js and Keras 2 write as VarianceScaling. */
const SCALING: Readonly<Record<string, readonly [scale: number, mode: string, distribution: string]>> = {
  glorotUniform: [1, 'fan_avg', 'uniform'],
  glorotNormal: [1, 'fan_avg', 'normal'],
  heUniform: [2, 'fan_in', 'uniform'],
  heNormal: [2, 'fan_in', 'normal'],
  lecunUniform: [1, 'fan_in', 'uniform'],
  lecunNormal: [1, 'fan_in', 'normal'],
}

/** The options that a config gives, by our names. */
const optionsOf = (config: Config, names: readonly (readonly [key: string, ours: string])[]): object =>
  Object.fromEntries(
    names.flatMap(([key, ours]) => {
      const given = own(config, key)
      return given === undefined || given === null ? [] : [[ours, given]]
    }),
  )

const initializerField = (ownName: string): Field => ({
  own: ownName,
  read(value, at) {
    const { name: given, config } = named(value)
    const scaled = Object.entries(SCALING).find(
      ([, [scale, mode, distribution]]) =>
        own(config, 'scale') === scale &&
        own(config, 'mode') === mode &&
        String(own(config, 'distribution')).replace('truncated_', '') === distribution,
    )
    const name = given === 'VarianceScaling' && scaled ? scaled[0] : given
    const plain = name.toLowerCase().replaceAll('_', '')
    const className = Object.keys(INITIALIZERS).find((known) => known.toLowerCase() === plain)
    if (className === undefined) {
      at.note(`${at.layer}: the initializer ${show(given)} isn't known; its weights are those of the file`)
      return undefined
    }
    const [make, options = {}] = INITIALIZERS[className]
    return make(optionsOf(config, Object.entries(options)))
  },
  write(value, { dialect }) {
    const given = value as { readonly kind: string } & Config
    const write = (className: string, config: Config) =>
      classOf(dialect, className, config, 'keras.initializers')
    if (Object.hasOwn(SCALING, given.kind) && dialect !== 'keras3') {
      const [scale, mode, distribution] = SCALING[given.kind]
      return write('VarianceScaling', { scale, mode, distribution, seed: null })
    }
    const className = Object.keys(INITIALIZERS).find((known) => kindOf(known) === given.kind) ?? 'Zeros'
    const [, options = {}] = INITIALIZERS[className]
    return write(
      className,
      Object.fromEntries(Object.entries(options).map(([key, ours]) => [key, given[ours]])),
    )
  },
})

const regularizerField = (ownName: string): Field => ({
  own: ownName,
  read(value, at) {
    const { name, config } = named(value)
    const plain = name.toLowerCase().replaceAll('_', '')
    const factor = (key: string) => (own(config, key) ?? 0) as number
    if (plain === 'l1l2') return { l1: factor('l1'), l2: factor('l2') }
    if (plain === 'l1') return { l1: own(config, 'l1') ?? own(config, 'l') ?? 0.01 }
    if (plain === 'l2') return { l2: own(config, 'l2') ?? own(config, 'l') ?? 0.01 }
    at.note(`${at.layer}: the regularizer ${show(name)} isn't known and was left out`)
    return undefined
  },
  write(value, { dialect }) {
    const { l1, l2 } = value as { l1: number; l2: number }
    return l1 === 0 && l2 === 0 ? null : classOf(dialect, 'L1L2', { l1, l2 }, 'keras.regularizers')
  },
})

const constraintField = (ownName: string): Field => ({
  own: ownName,
  read(value, at) {
    const { name, config } = named(value)
    const options = (...keys: readonly (readonly [key: string, ours: string])[]) =>
      optionsOf(config, [...keys, ['axis', 'axis']])
    const low = ['min_value', 'minValue'] as const
    const high = ['max_value', 'maxValue'] as const
    if (/^max_?norm$/i.test(name)) return maxNorm(options(high))
    if (/^min_?max_?norm$/i.test(name)) return minMaxNorm(options(low, high, ['rate', 'rate']))
    if (/^unit_?norm$/i.test(name)) return unitNorm(options())
    if (/^non_?neg$/i.test(name)) return nonNeg()
    at.note(`${at.layer}: the constraint ${show(name)} isn't known and was left out`)
    return undefined
  },
  write(value, { dialect, refuse }) {
    if (value === null) return null
    const { kind, minValue, maxValue, rate, axis } = value as Readonly<Record<string, unknown>>
    const list = axis as readonly number[]
    const at = list.length === 1 ? list[0] : list
    if (dialect === 'tfjs' && list.length > 1) refuse(`a norm over the axes ${list.join(', ')}`)
    const written = (className: string, config: Config) =>
      classOf(dialect, className, config, 'keras.constraints')
    if (kind === 'maxNorm') return written('MaxNorm', { max_value: maxValue, axis: at })
    if (kind === 'minMaxNorm')
      return written('MinMaxNorm', { min_value: minValue, max_value: maxValue, rate, axis: at })
    return kind === 'unitNorm' ? written('UnitNorm', { axis: at }) : written('NonNeg', {})
  },
})

/** The fields of a weight: Keras's `<name>_initializer` and so on, and our `<own>Initializer`. */
export const weightFields = (name: string, ours = name): Readonly<Record<string, Field>> => ({
  [`${name}_initializer`]: initializerField(`${ours}Initializer`),
  [`${name}_regularizer`]: regularizerField(`${ours}Regularizer`),
  [`${name}_constraint`]: constraintField(`${ours}Constraint`),
})

export const initializerOf = (name: string, ours: string): Readonly<Record<string, Field>> => ({
  [`${name}_initializer`]: initializerField(`${ours}Initializer`),
})

/** Kernel, bias, and whether there is a bias. */
export const kernelAndBias = (): Readonly<Record<string, Field>> => ({
  use_bias: same('useBias'),
  ...weightFields('kernel'),
  ...weightFields('bias'),
})
