// The 2-3-1 network as a drawing: values on the nodes as far as the step has come, weights (or their gradients, or the
// new weights) on the edges; what the stage is about is lit.
import { palette } from '../lib/colors.ts'
import { svg } from '../lib/dom.ts'
import { HIDDEN, weightNames } from './network.ts'
import { type StageId, type Step, stages, text } from './stages.ts'

const WIDTH = 560
const HEIGHT = 320
const RADIUS = 28
const at = {
  x: (i: number): [number, number] => [40, 95 + i * 130],
  hidden: (j: number): [number, number] => [235, 50 + j * 110],
  output: [405, 160] as [number, number],
  loss: [515, 160] as [number, number],
}

export function drawDiagram(id: StageId, { weights: w, row, library }: Step): SVGSVGElement {
  const now = stages.findIndex((stage) => stage.id === id)
  const since = (from: StageId) => now >= stages.findIndex((stage) => stage.id === from)
  const edges: SVGElement[] = []
  const nodes: SVGElement[] = []

  const edge = (
    from: [number, number],
    to: [number, number],
    index: number,
    isLit: boolean,
    share: number,
  ) => {
    const [x0, y0] = from
    const [x1, y1] = to
    const showsGradient = index < 9 ? id === 'dw1' : id === 'dw2'
    const shown = showsGradient ? library.dw[index] : id === 'update' ? library.next[index] : w[index]
    const label = `${showsGradient ? '∂' : ''}${weightNames[index]} ${text(shown)}`
    edges.push(
      svg('line', {
        class: 'edge',
        x1: x0 + RADIUS,
        y1: y0,
        x2: x1 - RADIUS,
        y2: y1,
        stroke: shown < 0 ? palette.orange : palette.blue,
        'stroke-width': Math.max(0.8, Math.min(6, Math.abs(w[index]) * 2)),
        opacity: isLit ? 1 : 0.35,
      }),
    )
    const [px, py] = [x0 + RADIUS + (x1 - x0 - 2 * RADIUS) * share, y0 + (y1 - y0) * share]
    const size = label.length * 5.6 + 6
    nodes.push(
      svg('rect', {
        x: px - size / 2,
        y: py - 8,
        width: size,
        height: 15,
        rx: 4,
        fill: palette.card,
        opacity: 0.9,
      }),
      svg(
        'text',
        { class: isLit ? '' : 'small', x: px, y: py + 3.5, 'text-anchor': 'middle', 'font-size': 10.5 },
        label,
      ),
    )
  }
  const node = ([x, y]: [number, number], name: string, value: string, below: string, isLit: boolean) => {
    nodes.push(
      svg(
        'g',
        { class: isLit ? 'lit' : '' },
        svg('circle', { class: 'node', cx: x, cy: y, r: RADIUS }),
        svg('text', { class: 'small', x, y: y - RADIUS - 6, 'text-anchor': 'middle' }, name),
        svg('text', { x, y: y + 4, 'text-anchor': 'middle' }, value),
        below && svg('text', { class: 'small', x, y: y + RADIUS + 14, 'text-anchor': 'middle' }, below),
      ),
    )
  }

  const lit = {
    w1: ['z1', 'dw1', 'check', 'update'].includes(id),
    w2: ['z2', 'dw2', 'da1', 'check', 'update'].includes(id),
  }
  for (let i = 0; i < 2; i++)
    for (let j = 0; j < HIDDEN; j++) edge(at.x(i), at.hidden(j), i * HIDDEN + j, lit.w1, 0.7)
  for (let j = 0; j < HIDDEN; j++) edge(at.hidden(j), at.output, 9 + j, lit.w2, 0.42)
  edges.push(
    svg('line', {
      x1: at.output[0] + RADIUS,
      y1: at.output[1],
      x2: at.loss[0] - RADIUS,
      y2: at.loss[1],
      stroke: palette.line,
      'stroke-width': 2,
    }),
  )

  // every weight is moved at these stages, so every weight is shown
  const showsWeights = id === 'check' || id === 'update'
  const biasText = (index: number) =>
    `${weightNames[index]} ${text(id === 'update' ? library.next[index] : w[index])}`
  /** Of a node: three decimals fit in it. */
  const inner = (value: number) => text(value, 3)

  for (let i = 0; i < 2; i++) node(at.x(i), `x${i + 1}`, text(row.x[i]), '', id === 'input' || id === 'z1')
  for (let j = 0; j < HIDDEN; j++) {
    const value = since('a1') ? inner(library.a1[j]) : since('z1') ? inner(library.z1[j]) : ''
    const bias = biasText(6 + j)
    const name = since('a1') ? `a${j + 1}` : since('z1') ? `z${j + 1}` : `hidden ${j + 1}`
    const below = showsWeights
      ? bias
      : since('dz1')
        ? `∂L/∂z ${text(library.dz1[j])}`
        : since('da1')
          ? `∂L/∂a ${text(library.da1[j])}`
          : bias
    node(at.hidden(j), name, value, below, ['z1', 'a1', 'da1', 'dz1'].includes(id))
  }
  node(
    at.output,
    since('output') ? 'ŷ' : since('z2') ? 's' : 'output',
    since('output') ? inner(library.output) : since('z2') ? inner(library.z2) : '',
    showsWeights
      ? biasText(12)
      : since('dz2')
        ? `∂L/∂s ${text(library.dz2)}`
        : since('dOutput')
          ? `∂L/∂ŷ ${text(library.dOutput)}`
          : biasText(12),
    ['z2', 'output', 'dOutput', 'dz2'].includes(id),
  )
  node(at.loss, 'L', since('loss') ? inner(library.loss) : '', `y = ${row.y}`, id === 'loss')

  return svg(
    'svg',
    {
      class: 'diagram',
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      role: 'img',
      'aria-label':
        'The network with two inputs, three hidden neurons and one output, and its numbers at this stage',
    },
    ...edges,
    ...nodes,
  )
}
