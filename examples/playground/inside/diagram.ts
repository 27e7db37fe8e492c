// The network as a drawing. In each neuron's box: its bias, sum and activation as far as the forward pass has come, and
// beneath them the gradients as far as the backward pass has come back. A line is a weight, blue above 0 and orange below,
// as wide as it is large. Arrows show what flows at this stage: numbers forward, gradients back, or one path after the
// other for the weight that is followed.
import { svg } from '../lib/dom.ts'
import { endsOf, type Path, pathsOf, sumOf } from './paths.ts'
import { countOf, LINE, LOSS, type Place, type Point } from './place.ts'
import {
  biasAt,
  type InsideOptions,
  LAYERS,
  letters,
  neurons,
  OUTPUT,
  weightAt,
  weightNames,
} from './shape.ts'
import { isReached, type Stage, type Step, text } from './stages.ts'

/** What a line carries at this stage. */
interface Flow {
  readonly direction: 'forward' | 'back' | ''
  /** Whether this stage computes it; otherwise an earlier one did. */
  readonly isNow: boolean
  /** Beside the line, or nothing. */
  readonly label: string
}
/** Between a line and its arrow. */
const APART = 4
const NONE: Flow = { direction: '', isNow: false, label: '' }

export function drawDiagram(
  place: Place,
  stage: Stage,
  step: Step,
  options: InsideOptions,
  weight: number,
): SVGSVGElement {
  const { weights, row, library } = step
  const paths =
    stage.kind === 'path'
      ? pathsOf(weight, { weights, row, trace: library }, options).slice(0, stage.path)
      : []
  const lines: SVGElement[] = []
  const labels: SVGElement[] = []

  for (let column = 0; column < LOSS; column++)
    for (let from = 0; from < countOf(column); from++)
      for (let to = 0; to < countOf(column + 1); to++) {
        const flow =
          stage.kind === 'path'
            ? pathFlow(paths, weight, column, from, to, step)
            : flowOf(stage, step, column, from, to)
        const ends = place.line(column, from, to)
        const value = column < LOSS - 1 ? weights[weightAt(column, from, to)] : null
        lines.push(...drawLine(ends, value, flow, stage.kind === 'path'))
        if (flow.label)
          labels.push(drawLabel(ends, stage.kind === 'path' ? 0.5 : place.share(column, from, to), flow))
      }

  const boxes: SVGElement[] = []
  const box = (column: number, unit: number, isLit: boolean, rows: readonly string[]) =>
    boxes.push(drawBox(place.at(column, unit), place.size(column), isLit, rows))
  const onPath = (column: number, unit: number) => {
    const now = paths.at(-1)
    if (!now) return false
    const { input, neuron } = endsOf(weight)
    return [input, neuron, now.hidden, now.output, 0][column] === unit
  }
  row.x.forEach((x, i) => {
    box(0, i, stage.kind === 'input' || onPath(0, i), [`x${i + 1} ${text(x)}`])
  })
  const reached = (id: string) => isReached(stage, id)
  const isMoved = stage.kind === 'update'
  for (const layer of LAYERS)
    for (const j of neurons(layer)) {
      const { bias, sum, activation } = letters[layer]
      const at = biasAt(layer, j)
      const shows = (key: 'z' | 'a' | 'da' | 'dz', name: string) =>
        reached(`${key}${layer + 1}`) ? `${name}${j + 1} ${text(library[key][layer][j])}` : ''
      const isLit = ['z', 'a', 'da', 'dz', 'dw'].includes(stage.kind) && stage.layer === layer
      box(layer + 1, j, isLit || isMoved || stage.kind === 'check' || onPath(layer + 1, j), [
        `${bias}${j + 1} ${text(isMoved ? library.next[at] : weights[at])}`,
        shows('z', sum),
        shows('a', activation),
        shows('da', `∂${activation}`),
        shows('dz', `∂${sum}`),
      ])
    }
  const rows = [`L ${reached('loss') ? text(library.loss) : ''}`, ...row.y.map((y, o) => `y${o + 1} ${y}`)]
  const isLoss = stage.kind === 'loss' || stage.kind === 'input' || onPath(LOSS, 0)
  box(LOSS, 0, isLoss, place.size(LOSS)[1] > 2 * LINE ? rows : [rows.join('   ')])

  return svg(
    'svg',
    {
      class: 'diagram',
      viewBox: `0 0 ${place.width} ${place.height}`,
      role: 'img',
      'aria-label': `The network with two inputs, hidden layers of three and two neurons, and two outputs, at the stage ${stage.name}. Its numbers are in the table.`,
    },
    arrowHead('ahead', 'ink'),
    arrowHead('back', 'accent'),
    ...lines,
    ...boxes,
    ...labels,
    paths.length > 0 &&
      svg(
        'text',
        { class: 'gradient', x: place.sum[0], y: place.sum[1] },
        `sum ${text(sumOf(paths, paths.length))}`,
      ),
  )
}

/** What flows over a line where the stage is about layers. Column 3 leads to the loss. */
function flowOf(stage: Stage, { weights, library }: Step, column: number, from: number, to: number): Flow {
  const { kind, layer } = stage
  if (column === OUTPUT + 1) {
    const isBack = isReached(stage, `da${OUTPUT + 1}`)
    const isNow = kind === 'loss' || (kind === 'da' && layer === OUTPUT)
    return { direction: isBack ? 'back' : isReached(stage, 'loss') ? 'forward' : '', isNow, label: '' }
  }
  const at = weightAt(column, from, to)
  if (kind === 'input' || kind === 'check') return { ...NONE, label: text(weights[at], 2) }
  if (kind === 'update') return { ...NONE, isNow: true, label: text(library.next[at], 2) }
  if (kind === 'z' && layer === column)
    return { direction: 'forward', isNow: true, label: text(weights[at], 2) }
  if (kind === 'da' && layer + 1 === column)
    return { direction: 'back', isNow: true, label: text(weights[at] * library.dz[column][to], 3) }
  if (kind === 'dw' && layer === column)
    return { direction: 'back', isNow: true, label: text(library.dw[at], 3) }
  // a line that gradients have come back over keeps its arrow, and so does one the forward pass has used
  const isBack = isReached(stage, column === 0 ? 'dw1' : `da${column}`)
  return {
    direction: isBack ? 'back' : isReached(stage, `z${column + 1}`) ? 'forward' : '',
    isNow: false,
    label: '',
  }
}

/** What flows over a line where a weight's paths are followed: the last path is lit, those before stay visible. */
function pathFlow(
  paths: readonly Path[],
  weight: number,
  column: number,
  from: number,
  to: number,
  { weights }: Step,
): Flow {
  const { input, neuron } = endsOf(weight)
  const isOn = ({ hidden, output }: Path) =>
    [input, neuron, hidden, output][column] === from && [neuron, hidden, output, 0][column] === to
  const isNow = isOn(paths[paths.length - 1])
  if (!isNow && !paths.some(isOn)) return NONE
  const name = column <= OUTPUT ? weightNames[weightAt(column, from, to)] : ''
  const value = column <= OUTPUT ? text(weights[weightAt(column, from, to)], 2) : ''
  return { direction: 'back', isNow, label: isNow && name ? `${name} ${value}` : '' }
}

function drawLine(
  [from, to]: readonly [Point, Point],
  value: number | null,
  { direction, isNow }: Flow,
  isPath: boolean,
): SVGElement[] {
  const sign = value === null ? 'plain' : value < 0 ? 'minus' : 'plus'
  const width = value === null ? 1.5 : Math.max(0.8, Math.min(6, Math.abs(value) * 2.5 || 0))
  // an arrow runs beside its line, so that the line's color can be seen
  const length = Math.hypot(to[0] - from[0], to[1] - from[1])
  const [aside, down] = [((from[1] - to[1]) / length) * APART, ((to[0] - from[0]) / length) * APART]
  const ends = (a: Point, b: Point, shift = 0) => ({
    x1: a[0] + shift * aside,
    y1: a[1] + shift * down,
    x2: b[0] + shift * aside,
    y2: b[1] + shift * down,
  })
  const line = svg('line', {
    class: `edge ${sign}`,
    ...ends(from, to),
    'stroke-width': width,
    opacity: isPath && !direction ? 0.18 : isNow ? 1 : 0.45,
  })
  if (!direction) return [line]
  const isBack = direction === 'back'
  const arrow = svg('line', {
    class: `flow ${direction}${isNow ? ' now' : ''}`,
    ...(isBack ? ends(to, from, 1) : ends(from, to, 1)),
    'marker-end': `url(#arrow-${isBack ? 'back' : 'ahead'})`,
  })
  return [line, arrow]
}

function drawLabel(
  [from, to]: readonly [Point, Point],
  share: number,
  { direction, label }: Flow,
): SVGElement {
  const [x, y] = [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share]
  const width = label.length * 6 + 6
  return svg(
    'g',
    { class: `label ${direction}` },
    svg('rect', { x: x - width / 2, y: y - 8, width, height: 16, rx: 4 }),
    svg('text', { x, y: y + 4, 'text-anchor': 'middle' }, label),
  )
}

/** A box of rows of text; a row that is still empty keeps its place. */
function drawBox([x, y]: Point, [width, height]: Point, isLit: boolean, rows: readonly string[]): SVGElement {
  const top = y - (rows.length * LINE) / 2
  return svg(
    'g',
    { class: `box${isLit ? ' lit' : ''}` },
    svg('rect', { x: x - width / 2, y: y - height / 2, width, height, rx: 8 }),
    ...rows.map((row, i) => {
      const isGradient = row.startsWith('∂')
      const props = {
        class: isGradient ? 'gradient' : '',
        x,
        y: top + i * LINE + 11.5,
        'text-anchor': 'middle',
      }
      return svg('text', props, row)
    }),
  )
}

const arrowHead = (name: string, color: string): SVGElement =>
  svg(
    'marker',
    {
      id: `arrow-${name}`,
      viewBox: '0 0 8 8',
      refX: 7,
      refY: 4,
      markerWidth: 8,
      markerHeight: 8,
      markerUnits: 'userSpaceOnUse',
      orient: 'auto',
    },
    svg('path', { d: 'M0 0 L8 4 L0 8 z', class: `head-${color}` }),
  )
