// Pictures of cells: a confusion matrix, weights or images, and histograms. Enters: numbers. Leaves: SVG text.
import {
  check,
  fail,
  isObject,
  POSITIVE,
  POSITIVE_INTEGER,
  reading,
  readOptions,
  show,
} from '../numerics/errors.ts'
import { isShaped, isTyped, type ShapedArray, tensor } from '../numerics/tensor.ts'
import { at, COLORS, escaped, label, short, svg, ticks } from './svg.ts'

/** Options of `plotConfusion`. */
export interface ConfusionOptions {
  /** Names of the classes. Default: their numbers from 0. */
  readonly labels?: readonly string[]
  /** Width of the drawing, at most, in CSS pixels. Default 420. */
  readonly width?: number
}

/** Options of `plotImages`. */
export interface ImagesOptions {
  /** Number of pictures in a row. Default 8. */
  readonly columns?: number
  /** Side of a pixel in CSS pixels. Default 4. */
  readonly scale?: number
}

/** Options of `plotHistogram`. */
export interface HistogramOptions {
  /** Number of bars. 1000 at most. Default 30. */
  readonly bins?: number
  /** What the numbers are, for the title. Default 'values'. */
  readonly name?: string
  /** Width of the drawing, at most, in CSS pixels. Default 480. */
  readonly width?: number
}

const readNames = (value: readonly string[] | null, what: string): readonly string[] | null => {
  const isList = Array.isArray(value) && value.every((name) => typeof name === 'string')
  check(value === null || isList, what, 'a list of names', value)
  return value
}

/**
 * Draws a confusion matrix: a row for each class, a column for each class it was taken for, darker where more of the row are.
 * @throws LanegradError unless the matrix is square, of counts, with a label for each class
 * @example
 * ```js
 * import { confusionMatrix } from 'lanegrad'
 * import { plotConfusion } from 'lanegrad/plot'
 *
 * const picture = plotConfusion(confusionMatrix([0, 1, 1], [0, 1, 0]), { labels: ['cat', 'dog'] })
 * console.log(picture.includes('2 of 3 are right')) // true
 * ```
 */
export function plotConfusion(given: readonly (readonly number[])[], options: ConfusionOptions = {}): string {
  const where = 'plotConfusion'
  const { labels, width } = readOptions(where, options, { labels: [readNames, null], width: [POSITIVE, 420] })
  const matrix = reading(`${where}: matrix`, () => {
    const rows = Array.isArray(given) ? given.map((row) => (Array.isArray(row) ? [...row] : [])) : []
    const isSquare = rows.length > 0 && rows.every((row) => row.length === rows.length)
    check(isSquare, `${where}: matrix`, 'a square matrix, as confusionMatrix gives', given)
    for (const count of rows.flat())
      if (!(Number.isFinite(count) && count >= 0))
        fail(`${where}: matrix must hold counts; got ${show(count)}`)
    return rows as readonly (readonly number[])[]
  })
  const size = matrix.length
  if (labels && labels.length !== size)
    fail(`${where}: labels: expected ${size} names, one for each class; got ${labels.length}`)
  const names = labels ?? matrix.map((_, i) => String(i))
  const left = Math.max(44, 20 + 7 * Math.min(14, Math.max(...names.map(({ length }) => length))))
  const cell = Math.max(1, (width - left - 4) / size)
  const short14 = (name: string) => (name.length > 14 ? `${name.slice(0, 13)}…` : name)
  const marks = [label(left, 14, 'taken for'), label(left - 8, 34, 'class', 'end')]
  matrix.forEach((row, i) => {
    const sum = row.reduce((total, count) => total + count, 0)
    const y = 40 + i * cell
    marks.push(label(left - 8, y + cell / 2 + 4, short14(names[i]), 'end'))
    if (cell >= 7 * Math.min(14, names[i].length))
      marks.push(label(left + (i + 0.5) * cell, 34, short14(names[i]), 'middle'))
    row.forEach((count, j) => {
      const x = left + j * cell
      const share = sum > 0 ? count / sum : 0
      const title = `${names[i]} taken for ${names[j]}: ${short(count)}`
      marks.push(
        `<rect x="${at(x)}" y="${at(y)}" width="${at(cell)}" height="${at(cell)}" fill="${COLORS[i === j ? 0 : 1]}" ` +
          `fill-opacity="${at(0.06 + 0.6 * share)}" stroke="currentColor" stroke-opacity=".2"><title>${escaped(title)}</title></rect>`,
      )
      if (cell >= 8 * short(count).length)
        marks.push(label(x + cell / 2, y + cell / 2 + 4, short(count), 'middle'))
    })
  })
  const all = matrix.flat().reduce((total, count) => total + count, 0)
  const right = matrix.reduce((total, row, i) => total + row[i], 0)
  const title = `Confusion matrix of ${size} classes: ${short(right)} of ${short(all)} are right`
  return svg(width, Math.ceil(44 + size * cell), title, marks)
}

/** Pictures to draw: [n, height, width], [n, height, width, 1] or one picture [height, width]. */
function picturesIn(where: string, given: ShapedArray | readonly (readonly number[])[]) {
  check(isShaped(given) || Array.isArray(given), `${where}: pictures`, 'a tensor of pictures', given)
  const { shape, data } = isShaped(given)
    ? given
    : tensor(given as number[][], undefined, `${where}: pictures`)
  const own =
    shape.length === 2 ? [1, ...shape] : shape.length === 4 && shape[3] === 1 ? shape.slice(0, 3) : shape
  if (own.length !== 3 || data.length === 0)
    fail(
      `${where}: pictures: expected shape [n, height, width], [n, height, width, 1] or [height, width]; got [${shape}]`,
    )
  const [count, height, width] = own
  return { count, height, width, data }
}

/**
 * Draws pictures of one channel, or weights as pictures: the kernel of a dense layer over pixels as `[units, height, width]`. Blue is
 * above 0 and orange below, stronger where further from it, each picture by its own largest.
 * @throws LanegradError on another shape, or more than 100,000 pixels
 * @example
 * ```js
 * import { plotImages } from 'lanegrad/plot'
 *
 * const picture = plotImages([[0, 1], [-1, 0.5]])
 * console.log(picture.includes('1 picture of 2 x 2')) // true
 * ```
 */
export function plotImages(
  pictures: ShapedArray | readonly (readonly number[])[],
  options: ImagesOptions = {},
): string {
  const where = 'plotImages'
  const readers = { columns: [POSITIVE_INTEGER, 8], scale: [POSITIVE, 4] } as const
  const { columns, scale } = readOptions(where, options, readers)
  const { count, height, width, data } = reading(`${where}: pictures`, () => picturesIn(where, pictures))
  if (data.length > 100_000)
    fail(
      `${where}: ${data.length} pixels are more than the 100000 that a page draws well; draw some of the ${count}`,
    )
  const gap = 6
  const across = Math.min(columns, count)
  const marks: string[] = []
  for (let n = 0; n < count; n++) {
    const own = data.subarray(n * height * width, (n + 1) * height * width)
    let most = 0
    for (const value of own) if (Math.abs(value) > most) most = Math.abs(value)
    const left = gap + (n % across) * (width * scale + gap)
    const top = gap + Math.floor(n / across) * (height * scale + gap)
    const frame = `width="${at(width * scale)}" height="${at(height * scale)}" fill="none" stroke="currentColor" stroke-opacity=".3"`
    marks.push(`<rect x="${at(left)}" y="${at(top)}" ${frame}/>`)
    for (let i = 0; i < own.length; i++) {
      const share = most > 0 ? Math.abs(own[i]) / most : 0
      if (!(share > 0.01)) continue
      const place = `x="${at(left + (i % width) * scale)}" y="${at(top + Math.floor(i / width) * scale)}"`
      const color = `fill="${COLORS[own[i] > 0 ? 0 : 1]}" fill-opacity="${at(share)}"`
      marks.push(`<rect ${place} width="${at(scale)}" height="${at(scale)}" ${color}/>`)
    }
  }
  const rows = Math.ceil(count / across)
  const title = `${count} ${count === 1 ? 'picture' : 'pictures'} of ${height} x ${width}`
  return svg(gap + across * (width * scale + gap), gap + rows * (height * scale + gap), title, marks)
}

/**
 * Draws how numbers are distributed, such as the weights of a layer: bars of equal width. What isn't finite is counted apart.
 * @throws LanegradError unless there are numbers, or on bad options
 * @example
 * ```js
 * import { plotHistogram } from 'lanegrad/plot'
 *
 * const picture = plotHistogram([1, 2, 2, 3], { name: 'kernel', bins: 3 })
 * console.log(picture.includes('4 numbers, kernel, from 1 to 3')) // true
 * ```
 */
export function plotHistogram(
  values: ShapedArray | ArrayLike<number>,
  options: HistogramOptions = {},
): string {
  const where = 'plotHistogram'
  const readers = {
    bins: [POSITIVE_INTEGER, 30],
    name: [readName, 'values'],
    width: [POSITIVE, 480],
  } as const
  const { bins, name, width } = readOptions(where, options, readers)
  check(bins <= 1000, `${where}: bins`, 'at most 1000', bins)
  const all = reading(`${where}: values`, () => {
    const given: unknown = isShaped(values) ? values.data : values
    const isList =
      isTyped(given) || (Array.isArray(given) && given.every((value) => typeof value === 'number'))
    check(isList && isObject(given) && given.length > 0, `${where}: values`, 'numbers', values)
    return Array.from(given as ArrayLike<number>)
  })
  const finite = all.filter(Number.isFinite)
  let [least, most] = [Infinity, -Infinity]
  for (const value of finite) [least, most] = [Math.min(least, value), Math.max(most, value)]
  if (finite.length === 0) fail(`${where}: values must hold a finite number; got none of ${all.length}`)
  const span = most - least || 1
  const counts = new Array<number>(bins).fill(0)
  for (const value of finite) counts[Math.min(bins - 1, Math.floor(((value - least) / span) * bins))]++
  const [left, top, height] = [48, 12, 180]
  const [w, h] = [width - left - 12, height - 40]
  const highest = Math.max(...counts)
  const marks = ticks(0, highest, 4)
    .filter(Number.isInteger)
    .map((tick) => label(left - 6, top + h - (tick / highest) * h + 4, String(tick), 'end'))
  counts.forEach((count, i) => {
    const x = left + (i / bins) * w
    const title = `${short(least + (i / bins) * span)} to ${short(least + ((i + 1) / bins) * span)}: ${count}`
    const size = `width="${at(Math.max(0.5, w / bins - 1))}" height="${at((count / highest) * h)}"`
    marks.push(
      `<rect x="${at(x)}" y="${at(top + h - (count / highest) * h)}" ${size} fill="${COLORS[0]}"><title>${escaped(title)}</title></rect>`,
    )
  })
  marks.push(`<path d="M${left} ${top + h}h${at(w)}" stroke="currentColor" stroke-opacity=".4"/>`)
  for (const [share, anchor] of [
    [0, 'start'],
    [0.5, 'middle'],
    [1, 'end'],
  ] as const)
    marks.push(label(left + share * w, top + h + 18, short(least + share * span), anchor))
  const odd = all.length - finite.length
  const title = `${finite.length} numbers, ${name}, from ${short(least)} to ${short(most)}${odd > 0 ? `; ${odd} ${odd === 1 ? 'is' : 'are'} not finite` : ''}`
  return svg(width, height + 4, title, marks)
}

const readName = (value: string, what: string): string => {
  check(typeof value === 'string', what, 'a string', value)
  return value
}
