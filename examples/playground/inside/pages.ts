// What is said at each stage of a step: title, formula, a sentence, and the numbers, with the library's result and the
// textbook's beside each other.
import { functions, losses } from './formulas.ts'
import { H } from './network.ts'
import { pathsOf, sumOf } from './paths.ts'
import {
  biasAt,
  type InsideOptions,
  layout,
  letters,
  neurons,
  OUTPUT,
  type Trace,
  weightAt,
  weightNames,
} from './shape.ts'
import { factor, type Stage, type Step, text } from './stages.ts'

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

const where = ['first hidden layer', 'second hidden layer', 'output layer']

/** `weight` is the one whose paths are followed. The check has lines of its own kind, made by numbers.ts. */
export function pageOf(stage: Stage, step: Step, options: InsideOptions, weight: number): Page {
  const { weights: w, row, library, byHand } = step
  const { layer } = stage
  const { sum, activation, weight: letter, bias } = letters[layer]
  const act = layer === OUTPUT ? 'sigmoid' : options.act
  const f = functions[act]
  const loss = losses[options.loss]
  const sources = neurons(layer - 1)
  const source = letters[layer - 1]?.activation ?? 'x'
  const before = (i: number) => (layer === 0 ? row.x[i] : library.a[layer - 1][i])
  const lines = (key: 'z' | 'a' | 'da' | 'dz', name: string, work: (j: number) => string): Line[] =>
    neurons(layer).map((j) => ({
      name: `${name}${j + 1}`,
      work: work(j),
      library: library[key][layer][j],
      byHand: byHand[key][layer][j],
    }))
  switch (stage.kind) {
    case 'input':
      return {
        title: 'One row of the data',
        formula: 'x = (x1, x2),  y = (y1, y2)',
        note: 'The network sees x (1 is true, −1 is false), and its outputs should become y. Between them are two hidden layers and 23 weights.',
        lines: [...row.x, ...row.y].map((value, i) => ({
          name: i < 2 ? `x${i + 1}` : `y${i - 1}`,
          work: 'given',
          library: value,
          byHand: value,
        })),
      }
    case 'z':
      return {
        title: `Forward: the sums of the ${where[layer]}`,
        formula: `${sum}ⱼ = Σᵢ ${source}ᵢ ${letter}ᵢⱼ + ${bias}ⱼ`,
        note: 'Each neuron weighs what comes in over its lines and adds its bias. The numbers on the lines are the weights.',
        lines: lines('z', sum, (j) =>
          [
            ...sources.map((i) => `${factor(before(i))}·${factor(w[weightAt(layer, i, j)])}`),
            factor(w[biasAt(layer, j)]),
          ].join(' + '),
        ),
      }
    case 'a':
      return {
        title: layer === OUTPUT ? 'Forward: the outputs' : `Forward: the activations of the ${where[layer]}`,
        formula:
          layer === OUTPUT
            ? 'ŷₒ = sigmoid(sₒ) = 1 / (1 + e⁻ˢ)'
            : `${activation}ⱼ = f(${sum}ⱼ),  f = ${options.act}`,
        note:
          layer === OUTPUT
            ? 'Each output lies between 0 and 1: how sure the network is that this answer is 1.'
            : 'Without a bend here, several layers could do no more than one.',
        lines: lines('a', activation, (j) => `${act}(${text(library.z[layer][j])})`),
      }
    case 'loss':
      return {
        title: 'The loss',
        formula: `L = ${loss.formula}`,
        note: 'How wrong both outputs are, as one number: their mean. Everything that follows asks how L changes with each weight.',
        lines: [
          {
            name: 'L',
            work: `½ · (${row.y.map((y, o) => loss.work(text(library.a[OUTPUT][o]), y)).join(' + ')})`,
            library: library.loss,
            byHand: byHand.loss,
          },
        ],
      }
    case 'da':
      return layer === OUTPUT
        ? {
            title: 'Backward: from the loss to the outputs',
            formula: `∂L/∂ŷₒ = ${loss.slopeFormula}`,
            note: 'The way back starts where the way forward ended. ½ is there since L is the mean of two.',
            lines: lines('da', '∂L/∂ŷ', (o) => loss.slopeWork(text(library.a[layer][o]), row.y[o])),
          }
        : {
            title: `Backward: to the activations of the ${where[layer]}`,
            formula: `∂L/∂${activation}ⱼ = Σₖ ${letters[layer + 1].weight}ⱼₖ · ∂L/∂${letters[layer + 1].sum}ₖ`,
            note: 'A neuron acts on the loss over every line that leaves it. So its gradient is a sum: each line brings back what came to its end, times its weight. These products stand on the lines.',
            lines: lines('da', `∂L/∂${activation}`, (j) =>
              neurons(layer + 1)
                .map((k) => `${factor(w[weightAt(layer + 1, j, k)])}·${factor(library.dz[layer + 1][k])}`)
                .join(' + '),
            ),
          }
    case 'dz':
      return {
        title: `Backward: through ${act} of the ${where[layer]}`,
        formula: `∂L/∂${sum}ⱼ = ∂L/∂${activation}ⱼ · f′(${sum}ⱼ),  f′ = ${f.formula.replaceAll('a', activation).replaceAll('z', sum)}`,
        note: 'The chain rule. Where the activation is flat, little comes through.',
        lines: lines(
          'dz',
          `∂L/∂${sum}`,
          (j) =>
            `${factor(library.da[layer][j])} · ${factor(f.slope(library.z[layer][j], library.a[layer][j]))}`,
        ),
      }
    case 'dw': {
      const { kernel, bias: biases, end, to } = layout[layer]
      return {
        title: `Backward: the weights of the ${where[layer]}`,
        formula: `∂L/∂${letter}ᵢⱼ = ${source}ᵢ · ∂L/∂${sum}ⱼ,   ∂L/∂${bias}ⱼ = ∂L/∂${sum}ⱼ`,
        note: 'What came in over the weight, times the gradient of the sum it goes into. The number on a line is now its gradient.',
        lines: weightNames.slice(kernel, end).map((name, i) => ({
          name: `∂L/∂${name}`,
          work:
            kernel + i < biases
              ? `${factor(before(Math.floor(i / to)))} · ${factor(library.dz[layer][i % to])}`
              : text(library.dz[layer][kernel + i - biases]),
          library: library.dw[kernel + i],
          byHand: byHand.dw[kernel + i],
        })),
      }
    }
    case 'path':
      return pathPage(stage.path, step, options, weight)
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

/** The first `count` paths of a weight, their sum, and in the end the gradient that the library has computed. */
function pathPage(
  count: number,
  { weights, row, library, byHand }: Step,
  options: InsideOptions,
  weight: number,
): Page {
  const of = (trace: Trace) => pathsOf(weight, { weights, row, trace }, options)
  const [paths, wanted] = [of(library), of(byHand)]
  const name = weightNames[weight]
  const isWhole = count === paths.length
  const lines = paths.slice(0, count).map(({ name: over, factors, product }, i) => ({
    name: over,
    work: factors.map((each) => `${each.name} ${factor(each.value)}`).join(' · '),
    library: product,
    byHand: wanted[i].product,
  }))
  const total = {
    name: isWhole ? 'sum of all paths' : 'sum so far',
    work: paths
      .slice(0, count)
      .map(({ product }) => factor(product))
      .join(' + '),
    library: sumOf(paths, count),
    byHand: sumOf(wanted, count),
  }
  const gradient = {
    name: `∂L/∂${name}`,
    work: 'as the backward pass has computed it',
    library: library.dw[weight],
    byHand: byHand.dw[weight],
  }
  return {
    title: `${name}: ${count === 1 ? 'the first path' : `${count} paths`} of ${paths.length}`,
    formula: `∂L/∂${name} = Σ over all paths of the product along the path`,
    note: isWhole
      ? 'The sum is the gradient. The backward pass finds it without walking each path: where paths meet, it adds them up once and goes on with the sum.'
      : `${name} acts on the loss over each neuron of the second layer and each output: ${paths.length} paths. On each, the derivatives multiply; then the paths add up. f′ is the slope of ${options.act}.`,
    lines: [...lines, total, ...(isWhole ? [gradient] : [])],
  }
}
