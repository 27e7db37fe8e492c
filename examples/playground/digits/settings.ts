// What the Digits tab can be set to. Enters: a link, checked by `rules`, or what is chosen in the bar. Leaves: the network
// that is asked for, and what a change calls for: most begin a new one.
import type { Activation } from 'lanegrad'
import { choice, textsOf } from '../lib/dom.ts'
import { anyRate, anySeed, type Rule } from '../lib/state.ts'
import type { NetworkOptions } from './network.ts'

export const defaults = { hidden: '64', act: 'relu', opt: 'adam', rate: 0.001, batch: 64, seed: 1 }
export type Settings = typeof defaults

const shapes: Readonly<Record<string, string>> = {
  ' 16': '16',
  ' 32': '32',
  ' 64': '64',
  ' 128': '128',
  '64-32': '64, 32',
  '128-64': '128, 64',
  '64-32-16': '64, 32, 16',
}
const activations = ['relu', 'tanh', 'sigmoid', 'gelu', 'silu', 'elu']
const chosen = ['adam', 'sgd', 'rmsprop', 'adagrad', 'adamw', 'nadam', 'lion']
const rates = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3]
const sizes = [16, 32, 64, 128, 256]
/** Units of a layer in a link: 1 to 256. */
const unit = '(?:[1-9]\\d?|1\\d\\d|2[0-4]\\d|25[0-6])'
export const rules: { readonly [K in keyof Settings]: Rule } = {
  hidden: { matches: new RegExp(`^${unit}(-${unit}){0,3}$`) },
  act: { of: activations },
  opt: { of: chosen },
  rate: anyRate,
  batch: { of: sizes },
  seed: anySeed,
}

export const optionsOf = (settings: Settings): NetworkOptions => ({
  units: settings.hidden.split('-').map(Number),
  activation: settings.act as Activation,
  optimizer: settings.opt as NetworkOptions['optimizer'],
  learningRate: settings.rate,
  seed: settings.seed,
})

/** The lists in the bar; `change` takes a setting over, then does what it calls for. */
export function makeControls(
  settings: Readonly<Settings>,
  change: (patch: Partial<Settings>, then: () => void) => void,
  training: { build(): void; useRate(): void },
) {
  const controls = {
    hidden: choice('Hidden layers', shapes, (text) => change({ hidden: text.trim() }, training.build)),
    act: choice('Activation', Object.fromEntries(activations.map((name) => [name, name])), (act) =>
      change({ act }, training.build),
    ),
    opt: choice('Optimizer', Object.fromEntries(chosen.map((name) => [name, name])), (opt) =>
      change({ opt }, training.build),
    ),
    rate: choice('Learning rate', textsOf(rates), (text) => change({ rate: Number(text) }, training.useRate)),
    batch: choice('Batch size', textsOf(sizes), (text) => change({ batch: Number(text) }, () => {})),
  }

  return {
    bar: Object.values(controls).map(({ element }) => element),
    /** The settings, as a link has set them. */
    show() {
      controls.hidden.set(settings.hidden.includes('-') ? settings.hidden : ` ${settings.hidden}`)
      controls.act.set(settings.act)
      controls.opt.set(settings.opt)
      controls.rate.set(` ${settings.rate}`)
      controls.batch.set(` ${settings.batch}`)
    },
  }
}
