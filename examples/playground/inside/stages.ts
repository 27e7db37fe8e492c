// What is shown at each stage of a step: formula, numbers put in, the library's result and the textbook's beside it.
import { functions, losses } from './formulas.ts'
import {
  type Check,
  H,
  HIDDEN,
  type InsideOptions,
  type Row,
  type Trace,
  type Weights,
  weightNames,
} from './network.ts'

export const stages = [
  { id: 'input', name: 'x, y', phase: 'forward' },
  { id: 'z1', name: 'z', phase: 'forward' },
  { id: 'a1', name: 'a', phase: 'forward' },
  { id: 'z2', name: 's', phase: 'forward' },
  { id: 'output', name: 'ŷ', phase: 'forward' },
  { id: 'loss', name: 'L', phase: 'forward' },
  { id: 'dOutput', name: '∂L/∂ŷ', phase: 'backward' },
  { id: 'dz2', name: '∂L/∂s', phase: 'backward' },
  { id: 'dw2', name: '∂L/∂v', phase: 'backward' },
  { id: 'da1', name: '∂L/∂a', phase: 'backward' },
  { id: 'dz1', name: '∂L/∂z', phase: 'backward' },
  { id: 'dw1', name: '∂L/∂w', phase: 'backward' },
  { id: 'check', name: 'check', phase: 'check' },
  { id: 'update', name: 'update', phase: 'update' },
] as const
export type StageId = (typeof stages)[number]['id']

export interface Line {
  readonly name: string
  /** The numbers put into the formula. */
  readonly work: string
  readonly library: number
  readonly byHand: number
}

export interface Page {
  readonly title: string
  readonly formula: string
  readonly note: string
  readonly lines: readonly Line[]
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
const factor = (value: number): string => (value < 0 ? `(${text(value)})` : text(value))
const units = [...Array(HIDDEN).keys()]
const b1 = 2 * HIDDEN
const w2 = b1 + HIDDEN
const b2 = w2 + HIDDEN

export interface Step {
  readonly weights: Weights
  readonly row: Row
  readonly library: Trace
  readonly byHand: Trace
}

/** `check` has lines of its own kind: checkLines. */
export function pageOf(
  id: StageId,
  { weights: w, row, library, byHand }: Step,
  options: InsideOptions,
): Page {
  const { x, y } = row
  const f = functions[options.act]
  const loss = losses[options.loss]
  const many = (key: 'z1' | 'a1' | 'da1' | 'dz1', letter: string, work: (j: number) => string): Line[] =>
    units.map((j) => ({
      name: `${letter}${j + 1}`,
      work: work(j),
      library: library[key][j],
      byHand: byHand[key][j],
    }))
  const one = (key: 'z2' | 'output' | 'loss' | 'dOutput' | 'dz2', name: string, work: string): Line[] => [
    { name, work, library: library[key], byHand: byHand[key] },
  ]
  const gradients = (from: number, to: number, work: (i: number) => string): Line[] =>
    weightNames.slice(from, to).map((name, i) => ({
      name: `∂L/∂${name}`,
      work: work(from + i),
      library: library.dw[from + i],
      byHand: byHand.dw[from + i],
    }))
  switch (id) {
    case 'input':
      return {
        title: 'One row of the data',
        formula: 'x = (x₁, x₂),  y',
        note: 'The network sees x (1 is true, −1 is false) and shall answer y. Three hidden neurons, one output; 13 weights.',
        lines: [
          { name: 'x1', work: 'given', library: x[0], byHand: x[0] },
          { name: 'x2', work: 'given', library: x[1], byHand: x[1] },
          { name: 'y', work: 'given', library: y, byHand: y },
        ],
      }
    case 'z1':
      return {
        title: 'Forward: the hidden sums',
        formula: 'zⱼ = x₁ w₁ⱼ + x₂ w₂ⱼ + bⱼ',
        note: 'Each hidden neuron weighs the inputs and adds its bias.',
        lines: many(
          'z1',
          'z',
          (j) =>
            `${factor(x[0])}·${factor(w[j])} + ${factor(x[1])}·${factor(w[HIDDEN + j])} + ${factor(w[b1 + j])}`,
        ),
      }
    case 'a1':
      return {
        title: 'Forward: the hidden activations',
        formula: `aⱼ = ${options.act}(zⱼ)`,
        note: 'Without a bend here, two layers would be no more than one.',
        lines: many('a1', 'a', (j) => `${options.act}(${text(library.z1[j])})`),
      }
    case 'z2':
      return {
        title: 'Forward: the output’s sum',
        formula: 's = a₁ v₁ + a₂ v₂ + a₃ v₃ + c',
        note: 'The output weighs the hidden neurons.',
        lines: one(
          'z2',
          's',
          `${units.map((j) => `${factor(library.a1[j])}·${factor(w[w2 + j])}`).join(' + ')} + ${factor(w[b2])}`,
        ),
      }
    case 'output':
      return {
        title: 'Forward: the answer',
        formula: 'ŷ = 1 / (1 + e⁻ˢ)',
        note: 'Between 0 and 1: how sure it is of a 1.',
        lines: one('output', 'ŷ', `1 / (1 + e^${factor(-library.z2)})`),
      }
    case 'loss':
      return {
        title: 'The loss',
        formula: `L = ${loss.formula}`,
        note: 'How wrong the answer is, as one number. Everything that follows asks how L changes with each weight.',
        lines: one('loss', 'L', loss.work(text(library.output), y)),
      }
    case 'dOutput':
      return {
        title: 'Backward: by the answer',
        formula: `∂L/∂ŷ = ${loss.slopeFormula}`,
        note: 'The way back starts where the way forward ended.',
        lines: one('dOutput', '∂L/∂ŷ', loss.slopeWork(text(library.output), y)),
      }
    case 'dz2':
      return {
        title: 'Backward: through the sigmoid',
        formula: '∂L/∂s = ∂L/∂ŷ · ŷ (1 − ŷ)',
        note: 'The chain rule: the slope of the sigmoid at s.',
        lines: one(
          'dz2',
          '∂L/∂s',
          `${factor(library.dOutput)} · ${factor(library.output)} · ${factor(1 - library.output)}`,
        ),
      }
    case 'dw2':
      return {
        title: 'Backward: the output’s weights',
        formula: '∂L/∂vⱼ = aⱼ · ∂L/∂s,   ∂L/∂c = ∂L/∂s',
        note: 'A weight matters as much as what it weighs.',
        lines: gradients(w2, b2 + 1, (i) =>
          i === b2 ? text(library.dz2) : `${factor(library.a1[i - w2])} · ${factor(library.dz2)}`,
        ),
      }
    case 'da1':
      return {
        title: 'Backward: to the hidden activations',
        formula: '∂L/∂aⱼ = vⱼ · ∂L/∂s',
        note: 'The blame goes back over the same weights the answer came by.',
        lines: many('da1', '∂L/∂a', (j) => `${factor(w[w2 + j])} · ${factor(library.dz2)}`),
      }
    case 'dz1':
      return {
        title: `Backward: through ${options.act}`,
        formula: `∂L/∂zⱼ = ∂L/∂aⱼ · ${options.act}′(zⱼ),   slope ${f.formula}`,
        note: 'Where the activation is flat, little comes through.',
        lines: many(
          'dz1',
          '∂L/∂z',
          (j) => `${factor(library.da1[j])} · ${factor(f.slope(library.z1[j], library.a1[j]))}`,
        ),
      }
    case 'dw1':
      return {
        title: 'Backward: the hidden weights',
        formula: '∂L/∂wᵢⱼ = xᵢ · ∂L/∂zⱼ,   ∂L/∂bⱼ = ∂L/∂zⱼ',
        note: 'What a neuron is to blame for, times what came in over the weight.',
        lines: gradients(0, w2, (i) =>
          i >= b1
            ? text(library.dz1[i - b1])
            : `${factor(x[Math.floor(i / HIDDEN)])} · ${factor(library.dz1[i % HIDDEN])}`,
        ),
      }
    case 'check':
      return {
        title: 'Is that right? Ask the loss itself',
        formula: '∂L/∂w ≈ (L(w + h) − L(w − h)) / 2h',
        note: `Each weight is moved by h = 1/${1 / H} up and down, and the library’s own loss is taken at both places. The losses are 32-bit numbers, so the two agree to about a thousandth.`,
        lines: [],
      }
    case 'update':
      return {
        title: 'The update',
        formula: 'w ← w − η · ∂L/∂w',
        note: `Every weight takes a step downhill, as long as its gradient times the learning rate η = ${options.rate}. Then the next row comes.`,
        lines: weightNames.map((name, i) => ({
          name,
          work: `${factor(w[i])} − ${options.rate} · ${factor(library.dw[i])}`,
          library: library.next[i],
          byHand: byHand.next[i],
        })),
      }
  }
}

export const checkLines = (checks: readonly Check[]) =>
  checks.map(({ gradient, quotient, error, isGood }, i) => ({
    name: `∂L/∂${weightNames[i]}`,
    gradient: text(gradient, 6),
    quotient: text(quotient, 6),
    error: error === 0 ? '0' : error.toExponential(1),
    isGood,
  }))
