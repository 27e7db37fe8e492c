// The arena of a training step: places from left to right (cache lines of 64 bytes, in the order of their addresses),
// operations from top to bottom. A buffer is a rectangle: its place and its life. A dot is a write, a ring a read.
import type { InspectedBuffer, InspectedOperation, Inspection } from 'lanegrad'
import { palette } from '../lib/colors.ts'
import { h, svg } from '../lib/dom.ts'
import type { StageId } from './stages.ts'

const LINE = 64
const LEFT = 252
const TOP = 14
const ROW = 22
const WIDTH = 940

/** Which operations a stage is about. */
function belongs({ phase, operation, label }: InspectedOperation, id: StageId): boolean {
  const isWeight =
    operation.startsWith('matmul A^T') || operation.startsWith('reduce') || operation === 'reshape'
  const is = (layer: string) => label.startsWith(layer)
  switch (id) {
    case 'input':
    case 'check':
      return false
    case 'z1':
      return phase === 'forward' && (is('hidden') || operation.startsWith('matmul')) && !is('output')
    case 'a1':
      return phase === 'forward' && (is('hidden') || label === 'a')
    case 'z2':
    case 'output':
      return phase === 'forward' && (is('output') || (label === 'yhat' && !operation.startsWith('loss')))
    case 'loss':
      return phase === 'forward' && operation.startsWith('loss')
    case 'dOutput':
    case 'dz2':
      return phase === 'backward' && (operation.startsWith('lossGrad') || label === 'yhat')
    case 'dw2':
      return phase === 'backward' && is('output') && isWeight
    case 'da1':
      return phase === 'backward' && operation.startsWith('matmul A.B^T')
    case 'dz1':
      return phase === 'backward' && operation.startsWith('unaryGrad') && (label === 'a' || is('hidden'))
    case 'dw1':
      return phase === 'backward' && is('hidden') && isWeight
    case 'update':
      return phase === 'update'
  }
}

export function drawMemory({ operations, buffers }: Inspection, id: StageId): SVGSVGElement {
  const lines = [...new Set(buffers.flatMap(({ address, bytes }) => linesOf(address, bytes)))].sort(
    (a, b) => a - b,
  )
  const column = (WIDTH - LEFT) / lines.length
  const xOf = (address: number) => LEFT + lines.indexOf(Math.floor(address / LINE)) * column
  const yOf = (operation: number) => TOP + operation * ROW
  const height = yOf(operations.length) + 8
  const parts: SVGElement[] = []
  operations.forEach((operation, i) => {
    const isHere = belongs(operation, id)
    if (isHere) parts.push(svg('rect', { class: 'here', x: 0, y: yOf(i), width: WIDTH, height: ROW }))
    const name = `${operation.phase === 'update' ? 'update: ' : ''}${operation.operation}${operation.label ? ` · ${operation.label}` : ''}`
    parts.push(
      svg('text', { class: isHere ? 'ink' : '', x: LEFT - 8, y: yOf(i) + 15, 'text-anchor': 'end' }, name),
    )
    const before = operations[i - 1]?.phase
    if (i > 0 && before !== operation.phase)
      parts.push(
        svg('line', { x1: 0, x2: WIDTH, y1: yOf(i), y2: yOf(i), stroke: palette.line, 'stroke-width': 1.5 }),
      )
  })
  for (const buffer of buffers) {
    const { address, bytes, first, last, isTransient, name } = buffer
    const [x, width] = [xOf(address) + 1, linesOf(address, bytes).length * column - 2]
    const end = isTransient ? last + 1 : operations.length
    const [y, high] = [yOf(isTransient ? first : 0) + 1, (end - (isTransient ? first : 0)) * ROW - 2]
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
          x,
          y,
          width,
          height: high,
          rx: 4,
          fill: color,
          'fill-opacity': isScratch ? 0.18 : isTransient ? 0.32 : 0.13,
          stroke: color,
          'stroke-opacity': 0.6,
        }),
        !isTransient &&
          svg(
            'text',
            { x: x + 15, y: y + high - 6, transform: `rotate(-90 ${x + 15} ${y + high - 6})` },
            name.replace('gradient of ', '∂ '),
          ),
        isTransient &&
          !isScratch &&
          svg('text', { class: 'ink', x: x + 4, y: y + 15 }, meaning(buffer, operations)),
      ),
    )
  }
  const find = (value: string) => buffers.find(({ values }) => values.includes(value))
  operations.forEach((operation, i) => {
    const dot = (value: string, isWrite: boolean) => {
      const buffer = find(value)
      if (!buffer) return
      parts.push(
        svg('circle', {
          cx: xOf(buffer.address) + column * linesOf(buffer.address, buffer.bytes).length - 8,
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

/** The quantity of the stages that lies in a buffer first. */
function meaning({ values }: InspectedBuffer, operations: readonly InspectedOperation[]): string {
  const by = operations.find(({ writes }) => writes.includes(values[0]))
  if (!by) return ''
  if (by.phase === 'forward') {
    if (by.label === 'hidden') return 'a'
    return by.operation.includes('sigmoid') ? 'ŷ' : by.label === 'output' ? 's' : values[0]
  }
  const hasSlope = operations.some(
    ({ label, operation }) => label === 'yhat' && operation.startsWith('unaryGrad'),
  )
  if (by.operation.startsWith('lossGrad')) return hasSlope ? '∂ŷ' : '∂s'
  return by.operation.startsWith('matmul A.B^T')
    ? '∂a'
    : by.operation.startsWith('unaryGrad')
      ? '∂z'
      : values[0]
}

function linesOf(address: number, bytes: number): number[] {
  const from = Math.floor(address / LINE)
  return Array.from({ length: Math.max(1, Math.ceil(bytes / LINE)) }, (_, i) => from + i)
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

export function memoryTable({ operations, buffers }: Inspection): HTMLElement {
  const cells = buffers.map((buffer) =>
    h(
      'tr',
      {},
      h('td', { class: 'mono' }, titleOf(buffer, operations)),
      h('td', { class: 'num' }, String(buffer.address)),
      h('td', { class: 'num' }, String(buffer.bytes)),
      h('td', { class: 'num' }, buffer.isTransient ? `${buffer.first}–${buffer.last}` : 'always'),
    ),
  )
  return h(
    'details',
    {},
    h('summary', {}, `The ${buffers.length} buffers as a table`),
    h(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Buffers' },
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            h('th', {}, 'holds'),
            ...['address', 'bytes', 'lives'].map((name) => h('th', { class: 'num' }, name)),
          ),
        ),
        h('tbody', {}, ...cells),
      ),
    ),
  )
}
