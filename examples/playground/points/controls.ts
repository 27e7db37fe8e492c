// The controls of the Points tab that are about the network: the lists in the bar, its inputs and its layers. Enters: the settings.
// Leaves: a changed setting, and what that calls for: a network from its first weights on, or the same one going on.
import { button, choice, h, textsOf } from '../lib/dom.ts'
import { featureNames, features } from './features.ts'
import {
  activations,
  type Change,
  chosen,
  inputsOf,
  MOST_LAYERS,
  MOST_UNITS,
  rates,
  type Settings,
  sizes,
  speeds,
  strengths,
  unitsOf,
} from './settings.ts'
import type { Training } from './training.ts'

export function makeControls(settings: Readonly<Settings>, change: Change, training: Training) {
  const rebuild = () => training.build()
  const nothing = () => {}

  const controls = {
    speed: choice('Speed', speeds, (speed) => change({ speed }, nothing)),
    rate: choice('Learning rate', textsOf(rates), (text) => change({ rate: Number(text) }, training.useRate)),
    act: choice('Activation', Object.fromEntries(activations.map((name) => [name, name])), (act) =>
      change({ act }, rebuild),
    ),
    opt: choice('Optimizer', Object.fromEntries(chosen.map((name) => [name, name])), (opt) =>
      change({ opt }, training.useOptimizer),
    ),
    reg: choice('Regularization', { none: 'none', l1: 'L1', l2: 'L2' }, (reg) =>
      change({ reg }, () => {
        syncStrength()
        training.build(true)
      }),
    ),
    strength: choice('Strength', textsOf(strengths), (text) =>
      change({ strength: Number(text) }, () => training.build(true)),
    ),
    batch: choice('Batch size', textsOf(sizes), (text) => change({ batch: Number(text) }, nothing)),
  }
  /** Without a penalty there is no strength of it. */
  const syncStrength = () => {
    controls.strength.element.hidden = settings.reg === 'none'
  }

  const inputButtons = featureNames.map((name) => {
    const element = button(features[name].text, () => {
      const chosen = new Set(inputsOf(settings))
      if (!chosen.delete(name)) chosen.add(name)
      if (chosen.size === 0) return // a network without inputs can't learn
      const inputs = featureNames.filter((each) => chosen.has(each)).join('-')
      change({ inputs }, () => {
        training.build()
        showInputs()
      })
    })
    element.dataset.input = name
    return element
  })
  function showInputs(): void {
    const chosen = inputsOf(settings)
    for (const element of inputButtons)
      element.setAttribute('aria-pressed', String(chosen.includes(element.dataset.input ?? '')))
  }

  const layerChips = h('div', { class: 'layers' })
  const setLayers = (units: readonly number[]) =>
    change({ layers: units.join('-') }, () => {
      training.build()
      showLayers()
    })
  function showLayers(): void {
    const units = unitsOf(settings)
    const focused = document.activeElement?.getAttribute('aria-label')
    const chips = units.map((count, i) => {
      const name = `layer ${i + 1}`
      const less = button('−', () => setLayers(units.with(i, count - 1)), {
        'aria-label': `One neuron less in ${name}`,
        disabled: count <= 1,
      })
      const more = button('+', () => setLayers(units.with(i, count + 1)), {
        'aria-label': `One neuron more in ${name}`,
        disabled: count >= MOST_UNITS,
      })
      const gone = button('×', () => setLayers(units.toSpliced(i, 1)), {
        'aria-label': `Remove ${name}`,
        class: 'quiet',
      })
      return h(
        'div',
        { class: 'chip', role: 'group', 'aria-label': name },
        less,
        h('span', {}, String(count)),
        more,
        gone,
      )
    })
    const add = button('Add layer', () => setLayers([...units, units.at(-1) ?? 4]), {
      disabled: units.length >= MOST_LAYERS,
      'data-action': 'add-layer',
    })
    layerChips.replaceChildren(...chips, add)
    // the buttons are new: the one that was pressed keeps the focus
    if (focused) layerChips.querySelector<HTMLElement>(`[aria-label="${focused}"]`)?.focus()
  }

  return {
    bar: (['speed', 'rate', 'act', 'opt', 'batch', 'reg', 'strength'] as const).map(
      (name) => controls[name].element,
    ),
    inputs: h('div', { class: 'inputs', role: 'group', 'aria-label': 'Inputs' }, ...inputButtons),
    layers: layerChips,
    /** The settings, as a link has set them. */
    show() {
      for (const name of ['rate', 'batch', 'strength'] as const) controls[name].set(` ${settings[name]}`)
      for (const name of ['speed', 'act', 'opt', 'reg'] as const) controls[name].set(settings[name])
      syncStrength()
      showInputs()
      showLayers()
    },
  }
}
