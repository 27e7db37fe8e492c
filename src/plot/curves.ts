// The curves of a training. Enters: a history. Leaves: SVG text, a panel for each log: that of training drawn through, that of validation
// dashed.
import {
  check,
  fail,
  isFunction,
  isObject,
  isRecord,
  POSITIVE,
  reading,
  readOptions,
} from '../numerics/errors.ts'
import { at, COLORS, escaped, label, short, svg, ticks } from './svg.ts'

/** Numbers for each epoch by the names of logs, as `fit` returns them. */
export type Curves = Readonly<Record<string, ArrayLike<number>>>

/** Options of `plotHistory` and `livePlot`. */
export interface CurveOptions {
  /** Names of the logs to draw, each with its validation. Default: all. */
  readonly logs?: readonly string[]
  /** Width of the drawing, at most, in CSS pixels. Default 480. */
  readonly width?: number
}

/** Where a panel's marks lie within the drawing. */
const PANEL = { height: 200, left: 52, right: 16, top: 28, bottom: 34 }

/** A curve: its name, its values and where they lie on the axis of epochs. */
interface Curve {
  readonly name: string
  readonly values: readonly number[]
  readonly epochs: readonly number[]
}

const readLogs = (value: readonly string[] | null, what: string): readonly string[] | null => {
  const isList = Array.isArray(value) && value.every((name) => typeof name === 'string')
  check(value === null || isList, what, 'a list of names', value)
  return value
}

/** @throws LanegradError on bad options */
export const readCurveOptions = (where: string, options: CurveOptions) =>
  readOptions(where, options, { logs: [readLogs, null], width: [POSITIVE, 480] })

/** @throws LanegradError unless every log is a list of numbers */
function readCurves(where: string, history: Curves): [string, number[]][] {
  check(isRecord(history), `${where}: history`, 'lists of numbers by name, as fit returns them', history)
  return reading(`${where}: history`, () => {
    if (isFunction((history as { readonly then?: unknown }).then))
      fail(`${where}: history is a promise; await it: ${where}(await model.fit(x, y))`)
    return Object.entries(history).map(([name, values]) => {
      const isList = isObject(values) && typeof values.length === 'number'
      check(isList, `${where}: history.${name}`, 'a list of numbers', values)
      const list = Array.from(values)
      const odd = list.find((value) => typeof value !== 'number')
      if (odd !== undefined) check(false, `${where}: history.${name}`, 'a list of numbers', values)
      return [name, list] as [string, number[]]
    })
  })
}

const baseOf = (name: string) => name.replace(/^val_/, '')

/** "loss from 0.9 to 0.1, val_loss from 1 to 0.2, over 10 epochs" */
function told(curves: readonly Curve[]): string {
  const ends = curves.map(({ name, values }) => {
    const [first, last] = [values[0], values.at(-1) ?? values[0]]
    return values.length > 1 ? `${name} from ${short(first)} to ${short(last)}` : `${name} ${short(last)}`
  })
  const count = Math.max(...curves.map(({ values }) => values.length))
  return `${ends.join(', ')}, over ${count} ${count === 1 ? 'epoch' : 'epochs'}`
}

/** One panel from `top` on. */
function panel(
  curves: readonly Curve[],
  top: number,
  width: number,
  color: string,
  epochs: number,
): string[] {
  const { left, right, height } = PANEL
  const box = { x: left, y: top + PANEL.top, w: width - left - right, h: height - PANEL.top - PANEL.bottom }
  const finite = curves.flatMap(({ values }) => values).filter(Number.isFinite)
  let [least, most] = [Infinity, -Infinity]
  for (const value of finite) [least, most] = [Math.min(least, value), Math.max(most, value)]
  if (finite.length === 0) [least, most] = [0, 1]
  if (least === most) [least, most] = [least - Math.abs(least || 1) / 2, most + Math.abs(most || 1) / 2]
  const x = (epoch: number) => box.x + (epochs <= 1 ? box.w / 2 : ((epoch - 1) / (epochs - 1)) * box.w)
  const y = (value: number) => box.y + box.h - ((value - least) / (most - least)) * box.h
  const marks: string[] = []
  for (const tick of ticks(least, most, 4)) {
    const line = `<path d="M${at(box.x)} ${at(y(tick))}h${at(box.w)}" stroke="currentColor" stroke-opacity=".15"/>`
    marks.push(line, label(box.x - 6, y(tick) + 4, short(tick), 'end'))
  }
  for (const tick of ticks(1, Math.max(2, epochs), Math.min(8, Math.max(1, epochs - 1))))
    if (Number.isInteger(tick) && tick <= epochs)
      marks.push(label(x(tick), box.y + box.h + 16, String(tick), 'middle'))
  marks.push(label(box.x + box.w, box.y + box.h + 30, 'epoch', 'end'))
  let at0 = box.x
  curves.forEach(({ name, values, epochs: places }, i) => {
    const dash = i > 0 ? ' stroke-dasharray="5 4"' : ''
    const stroke = `fill="none" stroke="${color}" stroke-width="2"${dash}`
    marks.push(`<path d="M${at(at0)} ${at(top + 13)}h22" ${stroke}/>`, label(at0 + 28, top + 17, name))
    at0 += 48 + 7 * name.length
    let path = ''
    values.forEach((value, k) => {
      if (!Number.isFinite(value)) return
      path += `${k > 0 && Number.isFinite(values[k - 1]) ? 'L' : 'M'}${at(x(places[k]))} ${at(y(value))}`
      const isAlone = !Number.isFinite(values[k - 1]) && !Number.isFinite(values[k + 1])
      if (isAlone) marks.push(`<circle cx="${at(x(places[k]))}" cy="${at(y(value))}" r="3" fill="${color}"/>`)
    })
    if (path) marks.push(`<path d="${path}" ${stroke}><title>${escaped(name)}</title></path>`)
  })
  return marks
}

/** The drawing of curves that may have a last point within an epoch. */
export function drawCurves(
  where: string,
  history: Curves,
  { logs, width }: ReturnType<typeof readCurveOptions>,
  reached: number | null = null,
): string {
  const all = readCurves(where, history)
  for (const name of logs ?? [])
    if (!all.some(([own]) => baseOf(own) === name))
      fail(
        `${where}: logs: there is no log ${name}. Known: ${[...new Set(all.map(([own]) => baseOf(own)))].join(', ')}`,
      )
  const names = [...new Set(all.map(([name]) => baseOf(name)))].filter((name) => logs?.includes(name) ?? true)
  const panels = names
    .map((base) =>
      all
        .filter(([name, values]) => baseOf(name) === base && values.length > 0)
        .sort(([a], [b]) => a.length - b.length)
        .map(([name, values]): Curve => {
          const epochs = values.map((_, i) => i + 1)
          if (reached !== null && values.length > reached) epochs[epochs.length - 1] = Math.max(1, reached)
          return { name, values, epochs }
        }),
    )
    .filter((curves) => curves.length > 0)
  if (panels.length === 0)
    return svg(width, 40, 'No epoch has ended yet', [label(8, 24, 'No epoch has ended yet')])
  const epochs = Math.max(...panels.flat().map(({ epochs }) => epochs.at(-1) ?? 1))
  const marks = panels.flatMap((curves, i) =>
    panel(curves, i * PANEL.height, width, COLORS[i % COLORS.length], epochs),
  )
  return svg(width, panels.length * PANEL.height, panels.map(told).join('; '), marks)
}

/**
 * Draws the history of a training as SVG text: put it into a page (`element.innerHTML = ...`) or a file. A panel for each log has
 * its curve and, dashed, that of its validation. Values that aren't finite leave gaps.
 * @throws LanegradError on a history that isn't one, or bad options
 * @example
 * ```js
 * import { plotHistory } from 'lanegrad/plot'
 *
 * const picture = plotHistory({ loss: [0.9, 0.4, 0.2], val_loss: [1, 0.6, 0.5] }) // what fit returns
 * console.log(picture.slice(0, 4), picture.includes('loss from 0.9 to 0.2')) // <svg true
 * ```
 */
export function plotHistory(history: Curves, options: CurveOptions = {}): string {
  const where = 'plotHistory'
  return drawCurves(where, history, readCurveOptions(where, options))
}
