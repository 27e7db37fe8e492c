// What the Points tab can be set to. Enters: a link, checked by `rules`. Leaves: what the controls offer, and the network
// that is asked for.
import type { Activation } from 'lanegrad'
import { anyRate, anySeed, type Rule } from '../lib/state.ts'
import { isRegression, setNames } from './data.ts'
import { choices } from './features.ts'
import type { NetworkOptions } from './network.ts'

export const defaults = {
  data: 'circles',
  noise: 5,
  train: 60,
  batch: 16,
  inputs: 'x-y',
  layers: '4-3',
  act: 'tanh',
  opt: 'adam',
  rate: 0.03,
  reg: 'none',
  strength: 0.003,
  speed: 'normal',
  seed: 1,
  test: 0,
  points: '',
}
export type Settings = typeof defaults

export const MOST_LAYERS = 6
export const MOST_UNITS = 8
export const activations = ['tanh', 'relu', 'sigmoid', 'linear', 'gelu', 'silu', 'elu', 'softplus']
export const chosen = ['adam', 'sgd', 'rmsprop', 'adagrad', 'adamw', 'nadam', 'lion']
export const rates = [0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3]
export const strengths = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1]
export const sizes = [1, 4, 8, 16, 32, 64, 128]
export const speeds: Readonly<Record<string, string>> = {
  slow: 'Slow',
  normal: 'Normal',
  fast: 'Fast',
  full: 'Full',
}
/** Epochs a second: at the usual speed a border can be seen to bend. Full: as many as fit in a frame's budget. */
export const epochRates: Readonly<Record<string, number>> = { slow: 2, normal: 8, fast: 60, full: 1e9 }

export const noises = { min: 0, max: 50, step: 5 }
export const shares = { min: 10, max: 90, step: 10 }
export const rules: { readonly [K in keyof Settings]: Rule } = {
  data: { of: Object.keys(setNames) },
  noise: noises,
  train: shares,
  batch: { of: sizes },
  inputs: { of: choices },
  layers: { matches: /^$|^[1-8](-[1-8]){0,5}$/ },
  act: { of: activations },
  opt: { of: chosen },
  rate: anyRate,
  reg: { of: ['none', 'l1', 'l2'] },
  strength: { min: 1e-6, max: 1 },
  speed: { of: Object.keys(speeds) },
  seed: anySeed,
  test: { of: [0, 1] },
  points: { matches: /^[0-9a-z]*$/ },
}

/** Takes settings over and does what they call for. */
export type Change = (patch: Partial<Settings>, then: () => void) => void

export const unitsOf = ({ layers }: Settings): number[] =>
  layers === '' ? [] : layers.split('-').map(Number)

export const inputsOf = ({ inputs }: Settings): string[] => inputs.split('-')

export const optionsOf = (settings: Settings): NetworkOptions => ({
  inputs: inputsOf(settings),
  units: unitsOf(settings),
  isRegression: isRegression(settings.data),
  activation: settings.act as Activation,
  optimizer: settings.opt as NetworkOptions['optimizer'],
  learningRate: settings.rate,
  regularization: settings.reg as NetworkOptions['regularization'],
  rate: settings.strength,
  seed: settings.seed,
})
