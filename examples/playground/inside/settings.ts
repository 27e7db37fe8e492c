// What the Inside tab can be set to. Enters: a link, checked by `rules`. Leaves: what the controls offer, the network that
// is asked for, and the steps of the guide.
import type { Try } from '../lib/guide.ts'
import { anyRate, anySeed, type Rule } from '../lib/state.ts'
import { dataNames, MOST_STEPS } from './course.ts'
import { followed } from './paths.ts'
import type { InsideOptions } from './shape.ts'
import { stages } from './stages.ts'

export const defaults = {
  data: 'xor-and',
  act: 'tanh',
  loss: 'bce',
  rate: 0.5,
  seed: 6,
  weight: 'w11',
  step: 0,
  stage: 'input',
}
export type Settings = typeof defaults

export const rates = [0.01, 0.1, 0.3, 0.5, 1, 2]
export const rules: { readonly [K in keyof Settings]: Rule } = {
  data: { of: Object.keys(dataNames) },
  act: { of: ['tanh', 'sigmoid', 'relu'] },
  loss: { of: ['mse', 'bce'] },
  rate: anyRate,
  seed: anySeed,
  weight: { of: followed },
  step: { min: 0, max: MOST_STEPS, step: 1 },
  stage: { of: stages.map(({ id }) => id) },
}

export const optionsOf = ({ act, loss, rate, seed }: Settings): InsideOptions => ({
  act: act as InsideOptions['act'],
  loss: loss as InsideOptions['loss'],
  rate,
  seed,
})

export const tries: readonly Try[] = [
  {
    text: 'Press Forward, or the key →, eight times: one row goes through the network, and the boxes fill with sums and activations until the loss L is there.',
    link: '#inside',
  },
  {
    text: 'Go on: the arrows turn. The gradient comes back from the loss, and each hidden neuron adds up what both outputs send it.',
    link: '#inside?stage=da2',
  },
  {
    text: 'Follow one weight: four paths lead from w11 to the loss. Press Forward to add one path after the other, and compare the sum with the gradient that the backward pass has found.',
    link: '#inside?stage=path1',
  },
  {
    text: 'Don’t take it on trust: here the loss itself is asked, with each weight moved a little up and down.',
    link: '#inside?stage=check',
  },
  {
    text: 'Press “+10 epochs” until the mean loss is small, then go through a step again: where the answers are right, hardly anything flows back.',
    link: '#inside?step=400&stage=da3',
  },
]
