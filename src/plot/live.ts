// Drawings and bars that follow a training in a page. Enters: what `fit` tells its callbacks, and an element. Leaves: its content, made
// anew a few times a second at most.
import { logTexts, Pace, type ProgressCallback, progressCallback, timeText } from '../callbacks/pace.ts'
import type { Callback } from '../model/model.ts'
import { check, fail, isObject, reading } from '../numerics/errors.ts'
import { now } from '../numerics/host.ts'
import type { Logs } from '../session/logs.ts'
import { type CurveOptions, drawCurves, readCurveOptions } from './curves.ts'

/** The least time between two drawings, in ms. */
const EVERY_MS = 200

const elementOf = (where: string, element: Element): Element => {
  const holds = reading(`${where}: element`, () => isObject(element) && 'innerHTML' in element)
  check(holds, `${where}: element`, 'an element of the page (is it there before the script runs?)', element)
  return element
}

/**
 * Draws the curves of a training into an element while `fit` runs: after every epoch, and within epochs the means so far.
 * @throws LanegradError unless the element is one, or on bad options
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { livePlot } from 'lanegrad/plot'
 *
 * const element = { innerHTML: '' } // in a page: document.querySelector('#plot')
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
 * model.compile({ optimizer: 'adam', loss: 'meanSquaredError' })
 * await model.fit([[1], [2]], [1, 2], { epochs: 3, callbacks: [livePlot(element)] })
 * console.log(element.innerHTML.includes('over 3 epochs')) // true
 * ```
 */
export function livePlot(element: Element, options: CurveOptions = {}): Callback {
  const where = 'livePlot'
  const place = elementOf(where, element)
  const read = readCurveOptions(where, options)
  let history: Record<string, number[]> = {}
  let epochs = 0
  let steps = 0
  let drawnMs = -Infinity
  const draw = (curves: typeof history, reached: number | null) => {
    const { logs } = read
    const known = logs?.filter((name) => name in curves || `val_${name}` in curves) ?? null
    place.innerHTML = drawCurves(where, curves, { ...read, logs: known }, reached)
    drawnMs = now()
  }
  return {
    onTrainBegin(params) {
      history = {}
      epochs = 0
      steps = params.steps
      draw(history, null)
    },
    onBatchEnd(batch, logs) {
      if (now() - drawnMs < EVERY_MS || steps === 0) return
      const far = Object.entries(logs).map(([name, value]) => [name, [...(history[name] ?? []), value]])
      draw({ ...history, ...Object.fromEntries(far) }, epochs + (batch + 1) / steps)
    },
    onEpochEnd(_, logs) {
      epochs++
      for (const [name, value] of Object.entries(logs)) {
        history[name] ??= []
        history[name].push(value)
      }
      if (now() - drawnMs >= EVERY_MS || epochs === 1) draw(history, null)
    },
    onTrainEnd: () => draw(history, null),
  }
}

/**
 * Shows in a page how far a call is: a bar, the time left, the loss and the metrics so far. It is a value for `verbose` of `fit`,
 * `evaluate` and `predict`, whose model may be in a worker; in `fit` it may stand among the callbacks instead. (`predict` of rows holds the page until
 * it ends, unless the model is in a worker.)
 * @param element Where it appears, in place of what is there. Default: a new element at the page's end.
 * @throws LanegradError where there is no page, or unless the element is one
 * @example
 * ```js
 * import { progress } from 'lanegrad/plot'
 *
 * try {
 *   progress() // in a page: await model.fit(x, y, { verbose: progress() })
 * } catch (error) {
 *   console.log(error.name) // LanegradError
 * }
 * ```
 */
export function progress(element?: Element): ProgressCallback {
  const where = 'progress'
  const { document } = globalThis as { readonly document?: Document }
  if (!document) fail(`${where}: there is no page here; progress from 'lanegrad/node' is for terminals`)
  const place =
    element === undefined
      ? document.body.appendChild(document.createElement('div'))
      : elementOf(where, element)
  const bar = document.createElement('progress')
  const text = document.createElement('span')
  text.style.cssText = 'margin-inline-start:.75em;font-variant-numeric:tabular-nums'
  place.replaceChildren(bar, text)
  const pace = new Pace(now)
  let drawnMs = -Infinity
  const write = (what: string, parts: readonly string[], logs: Logs) => {
    bar.setAttribute('aria-label', what)
    text.textContent = [what, ...parts, ...logTexts(logs)].join('  ')
    drawnMs = now()
  }
  return progressCallback((what, done, total, logs, isEnd) => {
    if (isEnd) {
      bar.value = 1
      const ms = pace.end(what)
      write(what, ms > 0 ? [timeText(ms)] : [], logs)
      return
    }
    const { leftMs } = pace.take(what, done, total)
    if (now() - drawnMs < EVERY_MS / 2) return
    if (total > 0) bar.value = done / total
    else bar.removeAttribute('value')
    const far = total > 0 ? `${Math.floor((100 * done) / total)} %` : `${done} batches`
    write(what, [far, ...(leftMs === null ? [] : [`${timeText(leftMs)} left`])], done > 0 ? logs : {})
  })
}
