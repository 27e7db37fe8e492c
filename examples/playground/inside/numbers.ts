// The numbers of a stage as a table: put into the formula, computed by the library, computed by the textbook; and those of
// the check, where each gradient stands beside a difference quotient.
import { h } from '../lib/dom.ts'
import type { Check } from './network.ts'
import type { Line } from './pages.ts'
import { weightNames } from './shape.ts'
import { text } from './stages.ts'

const table = (caption: string, heads: readonly string[], rows: readonly HTMLElement[]) =>
  h(
    'table',
    { class: 'values' },
    h('caption', { class: 'unseen' }, caption),
    h(
      'thead',
      {},
      h('tr', {}, ...heads.map((name, i) => h('th', { scope: 'col', class: i > 0 ? 'num' : '' }, name))),
    ),
    h('tbody', {}, ...rows),
  )

export const numbersTable = (title: string, lines: readonly Line[]): HTMLElement =>
  table(
    title,
    ['quantity, and the numbers put in', 'lanegrad (32 bit)', 'by hand (64 bit)'],
    lines.map(({ name, work, library, byHand }) =>
      h(
        'tr',
        {},
        h('th', { scope: 'row' }, name, h('span', { class: 'work mono' }, work)),
        h('td', { class: 'num mono new' }, text(library, 6)),
        h('td', { class: 'num mono' }, text(byHand, 6)),
      ),
    ),
  )

/** What the check has found; null while the loss is still being asked. */
export function checkNumbers(checks: readonly Check[] | null): HTMLElement[] {
  if (!checks) return [h('p', { class: 'note' }, `Asking the loss ${2 * weightNames.length} times …`)]
  const all = checks.every(({ isGood }) => isGood)
  const verdict = all
    ? `All ${checks.length} gradients agree.`
    : 'Some gradients differ: at a kink of relu the quotient looks at both sides.'
  return [
    h('p', { class: all ? 'good' : 'bad', 'data-figure': 'check' }, verdict),
    table(
      'The check',
      ['gradient of', 'backpropagation', 'difference quotient', 'relative error', 'agrees'],
      checks.map(({ gradient, quotient, error, isGood }, i) =>
        h(
          'tr',
          {},
          h('th', { scope: 'row' }, `∂L/∂${weightNames[i]}`),
          h('td', { class: 'num mono' }, text(gradient, 6)),
          h('td', { class: 'num mono' }, text(quotient, 6)),
          h('td', { class: 'num mono' }, error === 0 ? '0' : error.toExponential(1)),
          h('td', { class: `num ${isGood ? 'good' : 'bad'}` }, isGood ? 'yes' : 'no'),
        ),
      ),
    ),
  ]
}
