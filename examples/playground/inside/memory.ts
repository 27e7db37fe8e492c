// The arena of a training step: places from left to right in the order of their addresses, operations from top to
// bottom. A buffer is a rectangle: its place and its life. A dot is a write, a ring a read.
import type { InspectedBuffer, InspectedOperation, Inspection } from 'lanegrad/inspect'
import { palette } from '../lib/colors.ts'
import { h, svg } from '../lib/dom.ts'
import { layerNames } from './network.ts'
import { letters, OUTPUT } from './shape.ts'

const LEFT = 206
const TOP = 22
const ROW = 22
const WIDTH = 820

/** Buffers that stay, by the names of the stages; ∂w is short for ∂L/∂w. */
const kept: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    layerNames.flatMap((name, layer) => [
      [`${name}/kernel`, letters[layer].weight],
      [`${name}/bias`, letters[layer].bias],
    ]),
  ),
  x: 'x',
  'target:yhat': 'y',
  loss: 'L',
}
const letterOf = (name: string): string => {
  const of = name.replace('gradient of ', '')
  return `${of === name ? '' : '∂'}${kept[of] ?? of}`
}

/** What an operation computes and how, in the names of the stages; the stages it belongs to. */
type Made = readonly [makes: string, how: string, stages: readonly string[]]

/** `hasSlope`: the sigmoid's gradient is an operation of its own, not one with the loss's. */
function madeBy({ phase, operation, label }: InspectedOperation, hasSlope: boolean): Made {
  const is = (name: string) => operation.startsWith(name)
  if (phase === 'update') return ['weights', 'take their step', ['update']]
  if (is('lossGrad'))
    return hasSlope ? ['∂ŷ', 'slope of the loss', ['da3']] : ['∂s', 'slope of the loss of s', ['da3', 'dz3']]
  if (is('loss')) return ['L', 'the loss', ['loss']]
  const layer = Math.max(layerNames.indexOf(label), ['a', 'h', 'yhat'].indexOf(label))
  const { weight, bias, sum, activation } = letters[layer]
  const id = layer + 1
  if (phase === 'forward') {
    const isBent = layer < OUTPUT || hasSlope
    return [isBent ? activation : sum, isBent ? `sums ${sum}, bent` : 'sums', [`z${id}`, `a${id}`]]
  }
  if (is('unaryGrad')) return [`∂${sum}`, `∂${activation} times the slope`, [`dz${id}`]]
  if (is('matmul A.B^T'))
    return [`∂${letters[layer - 1].activation}`, `${weight} times ∂${sum}, summed`, [`da${layer}`]]
  if (is('matmul'))
    return [`∂${weight}`, `${letters[layer - 1]?.activation ?? 'x'} times ∂${sum}`, [`dw${id}`]]
  return [`∂${bias}`, is('reshape') ? 'put in shape' : `sum of ∂${sum}`, [`dw${id}`]]
}

function drawMemory({ operations, buffers }: Inspection, id: string): SVGSVGElement {
  // a column goes from where a buffer begins or ends to the next such place: a long one is no wider for it
  const isIn = (place: number, { address, bytes }: InspectedBuffer) =>
    place >= address && place < address + bytes
  const places = [...new Set(buffers.flatMap(({ address, bytes }) => [address, address + bytes]))]
    .filter((place) => buffers.some((buffer) => isIn(place, buffer)))
    .sort((a, b) => a - b)
  const column = (WIDTH - LEFT) / places.length
  const xOf = ({ address }: InspectedBuffer) => LEFT + places.indexOf(address) * column
  const widthOf = (buffer: InspectedBuffer) => places.filter((place) => isIn(place, buffer)).length * column
  const yOf = (operation: number) => TOP + operation * ROW
  const hasSlope = operations.some(
    ({ label, operation }) => label === 'yhat' && operation.startsWith('unaryGrad'),
  )
  const made = operations.map((operation) => madeBy(operation, hasSlope))
  const height = yOf(operations.length) + 8
  const parts: SVGElement[] = []
  const write = (text: string, x: number, y: number, anchor: string) =>
    parts.push(svg('text', { class: 'ink', x, y, 'text-anchor': anchor }, text))
  operations.forEach(({ phase, operation, label }, i) => {
    const [makes, how, where] = made[i]
    if (where.includes(id))
      parts.push(svg('rect', { class: 'here', x: 0, y: yOf(i), width: WIDTH, height: ROW }))
    parts.push(
      svg(
        'g',
        {},
        svg('title', {}, `${operation}${label ? ` of ${label}` : ''}`),
        svg('text', { class: 'ink', x: 4, y: yOf(i) + 15 }, makes),
        svg('text', { x: 62, y: yOf(i) + 15 }, how),
      ),
    )
    if (i > 0 && operations[i - 1].phase !== phase)
      parts.push(
        svg('line', { x1: 0, x2: WIDTH, y1: yOf(i), y2: yOf(i), stroke: palette.line, 'stroke-width': 1.5 }),
      )
  })
  for (const buffer of buffers) {
    const { address, bytes, first, last, isTransient, name, values } = buffer
    const [x, width] = [xOf(buffer), widthOf(buffer)]
    const [from, to] = isTransient ? [first, last + 1] : [0, operations.length]
    const isScratch = name.startsWith('scratch')
    const color = isScratch ? palette.muted : isTransient ? palette.orange : palette.blue
    parts.push(
      svg(
        'g',
        {},
        svg(
          'title',
          {},
          `${titleOf(buffer, operations)}\n${bytes} bytes at ${address}, lives ${isTransient ? `${first} to ${last}` : 'always'}`,
        ),
        svg('rect', {
          x: x + 1,
          y: yOf(from) + 1,
          width: width - 2,
          height: (to - from) * ROW - 2,
          rx: 4,
          fill: color,
          'fill-opacity': isScratch ? 0.18 : isTransient ? 0.32 : 0.13,
          stroke: color,
          'stroke-opacity': 0.6,
        }),
      ),
    )
    if (!isTransient) write(letterOf(name), x + width / 2, TOP - 7, 'middle')
    else
      operations.forEach(({ writes }, i) => {
        if (writes.some((value) => values.includes(value))) write(made[i][0], x + 5, yOf(i) + 15, 'start')
      })
  }
  const scratch = buffers.find(({ name }) => name.startsWith('scratch'))
  if (scratch) write('scratch', xOf(scratch) + column / 2, TOP - 7, 'middle')
  const find = (value: string) => buffers.find(({ values }) => values.includes(value))
  operations.forEach((operation, i) => {
    const dot = (value: string, isWrite: boolean) => {
      const buffer = find(value)
      if (!buffer) return
      parts.push(
        svg('circle', {
          cx: xOf(buffer) + (buffer.isTransient ? column - 9 : column / 2),
          cy: yOf(i) + ROW / 2,
          r: 4,
          fill: isWrite ? palette.ink : palette.card,
          stroke: palette.ink,
          'stroke-width': 1.5,
        }),
      )
    }
    for (const value of operation.reads) dot(value, false)
    for (const value of operation.writes) dot(value, true)
    if (operation.phase === 'update' && operation.operation === 'update')
      for (const { name, values } of buffers) {
        const isGradient = name.startsWith('gradient of ')
        const isWeight = buffers.some((other) => other.name === `gradient of ${name}`)
        if (isGradient || isWeight) dot(values[0], isWeight)
      }
  })
  return svg(
    'svg',
    {
      class: 'memory',
      viewBox: `0 0 ${WIDTH} ${height}`,
      role: 'img',
      'aria-label': `Memory map: ${buffers.length} buffers over ${operations.length} operations; the table below lists them`,
    },
    ...parts,
  )
}

function titleOf(
  { name, values, isTransient }: InspectedBuffer,
  operations: readonly InspectedOperation[],
): string {
  if (!isTransient || values.length === 0) return name
  return values
    .map((value) => {
      const by = operations.find(({ writes }) => writes.includes(value))
      return by ? `${value}: ${by.operation} of ${by.label}` : value
    })
    .join('; then ')
}

/** The card at the end of the page, folded at first; `onOpen` is told when the visitor unfolds it. */
export function memoryPanel(onOpen: () => void) {
  const map = h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Memory map' })
  const list = h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Buffers' })
  const element = h(
    'details',
    { class: 'card below', ontoggle: () => element.open && onOpen() },
    h('summary', {}, 'The memory of this step'),
    h(
      'p',
      { class: 'note' },
      'Everything lies in one arena. From left to right: its places in order, not to scale; from top to bottom: the operations of a step, with what each computes (∂w is short for ∂L/∂w). A blue buffer stays, an orange one lives as long as it is needed and then gives its place to another, a grey one is scratch. A ring is a read, a dot a write; the rows of this stage are marked. The library has fused what it could: a sum and its activation are one operation.',
    ),
    map,
    list,
  )
  return {
    element,
    get isOpen(): boolean {
      return element.open
    },
    show(inspection: Inspection, stage: string): void {
      map.replaceChildren(drawMemory(inspection, stage))
      if (!list.firstChild) list.append(memoryTable(inspection))
    },
  }
}

function memoryTable({ operations, buffers }: Inspection): HTMLElement {
  return h(
    'table',
    {},
    h('caption', {}, `The ${buffers.length} buffers`),
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        h('th', { scope: 'col' }, 'holds'),
        ...['address', 'bytes', 'lives'].map((name) => h('th', { scope: 'col', class: 'num' }, name)),
      ),
    ),
    h(
      'tbody',
      {},
      ...buffers.map((buffer) =>
        h(
          'tr',
          {},
          h('td', { class: 'mono' }, titleOf(buffer, operations)),
          h('td', { class: 'num' }, String(buffer.address)),
          h('td', { class: 'num' }, String(buffer.bytes)),
          h('td', { class: 'num' }, buffer.isTransient ? `${buffer.first}–${buffer.last}` : 'always'),
        ),
      ),
    ),
  )
}
