// Drawings as SVG text, to put into a page or a file. Text and axes have the color of the page's text, the others are seen on light and
// on dark ground. Enters: marks and words. Leaves: one `<svg>` with a title, which screen readers read.

/** Colors with a contrast of 3 at least on white and on black. */
export const COLORS = ['#3b82d6', '#d9692b', '#2f9e63', '#a864d6', '#c7972b', '#d6487e'] as const

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

export const escaped = (text: string): string => text.replace(/[&<>"]/g, (sign) => ENTITIES[sign])

/** A coordinate, to a hundredth. */
export const at = (value: number): string => String(Math.round(value * 100) / 100)

/** A number of a scale or a value, short. */
export const short = (value: number): string =>
  value !== 0 && (Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3)
    ? value.toExponential(1)
    : String(Number(value.toPrecision(4)))

export const label = (
  x: number,
  y: number,
  text: string,
  anchor: 'start' | 'middle' | 'end' = 'start',
  more = '',
): string => `<text x="${at(x)}" y="${at(y)}" text-anchor="${anchor}"${more}>${escaped(text)}</text>`

/** The whole drawing; `title` says what it shows. It is as wide as its place, at most `width`. */
export const svg = (width: number, height: number, title: string, marks: readonly string[]): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}" ` +
  `style="width:100%;max-width:${width}px;height:auto" font-family="system-ui,sans-serif" font-size="12" fill="currentColor">` +
  `<title>${escaped(title)}</title>${marks.join('')}</svg>`

/** Round numbers from `least` to `most`, about `count` of them. */
export function ticks(least: number, most: number, count: number): number[] {
  const rough = (most - least) / count
  const size = Number(rough.toExponential().replace(/^.*e/, '1e')) // the power of ten below it
  const step = size * ([1, 2, 5, 10].find((factor) => factor * size >= rough) ?? 10)
  const first = Math.ceil(least / step - 1e-9)
  const last = Math.floor(most / step + 1e-9)
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)))
}
