// The stages of one training step, in the order in which they are shown: forward through the layers to the loss, backward
// through the layers to the first weights, one weight's gradient as a sum over its paths, the check, the update.
import { LAYERS, type Layer, letters, OUTPUT, type Row, type Trace, type Weights } from './shape.ts'

/** What a stage is about; `layer` says of which layer, `path` says how many paths have been summed. */
export type Kind = 'input' | 'z' | 'a' | 'loss' | 'da' | 'dz' | 'dw' | 'path' | 'check' | 'update'

export interface Stage {
  readonly id: string
  readonly name: string
  readonly phase: (typeof phases)[number]
  readonly kind: Kind
  readonly layer: Layer
  readonly path: number
}

export const phases = ['Forward', 'Backward', 'One weight', 'The step'] as const

/** Paths from a weight of the first layer to the loss: over each neuron of the second layer and each output. */
export const PATHS = 4

const plain = { layer: 0, path: 0 } as const
const sumName = (layer: Layer) => `Sums ${letters[layer].sum}`
const activationName = (layer: Layer) =>
  `${layer === OUTPUT ? 'Outputs' : 'Activations'} ${letters[layer].activation}`

export const stages: readonly Stage[] = [
  { id: 'input', name: 'Row', phase: 'Forward', kind: 'input', ...plain },
  ...LAYERS.flatMap((layer): Stage[] => [
    { id: `z${layer + 1}`, name: sumName(layer), phase: 'Forward', kind: 'z', layer, path: 0 },
    { id: `a${layer + 1}`, name: activationName(layer), phase: 'Forward', kind: 'a', layer, path: 0 },
  ]),
  { id: 'loss', name: 'Loss L', phase: 'Forward', kind: 'loss', ...plain },
  ...[...LAYERS].reverse().flatMap((layer): Stage[] => {
    const { weight, sum, activation } = letters[layer]
    const phase = 'Backward'
    return [
      { id: `da${layer + 1}`, name: `Back to ${activation}`, phase, kind: 'da', layer, path: 0 },
      { id: `dz${layer + 1}`, name: `Back to ${sum}`, phase, kind: 'dz', layer, path: 0 },
      { id: `dw${layer + 1}`, name: `Gradients of ${weight}`, phase, kind: 'dw', layer, path: 0 },
    ]
  }),
  ...Array.from({ length: PATHS }, (_, i): Stage => {
    const name = `${i === 0 ? 'Path' : `+ path`} ${i + 1}`
    return { id: `path${i + 1}`, name, phase: 'One weight', kind: 'path', layer: 0, path: i + 1 }
  }),
  { id: 'check', name: 'Check', phase: 'The step', kind: 'check', ...plain },
  { id: 'update', name: 'Update', phase: 'The step', kind: 'update', ...plain },
]

export const stageOf = (id: string): Stage => stages.find((stage) => stage.id === id) ?? stages[0]

/** Whether the stage `id` has been reached when `stage` is shown. */
export const isReached = (stage: Stage, id: string): boolean =>
  stages.indexOf(stage) >= stages.findIndex((other) => other.id === id)

/** One training step: before it, and as the library and the textbook compute it. */
export interface Step {
  readonly weights: Weights
  readonly row: Row
  readonly library: Trace
  readonly byHand: Trace
}

/** Four decimals, or two digits and a power of ten where that says nothing. */
export function text(value: number, digits = 4): string {
  if (!Number.isFinite(value)) return '–'
  if (Number.isInteger(value) && Math.abs(value) < 100) return String(value).replace('-', '−')
  const shown =
    value === 0 || Math.abs(value) >= 0.001
      ? Math.abs(value).toFixed(digits)
      : Math.abs(value).toExponential(Math.max(1, digits - 3))
  return value < 0 ? `−${shown}` : shown
}

/** A number as a factor of a product. */
export const factor = (value: number): string => (value < 0 ? `(${text(value)})` : text(value))
