// What the trained network gets right and wrong, as text of at most 80 columns.
//
// In:  labels, logits (row-major [n, classes]), images in [0, 1]. Out: numbers and strings.
// Every function is pure: nothing is printed, nothing is changed.

/** A sample the network took for something else. */
export interface Mistake {
  /** which sample */
  index: number
  label: number
  predicted: number
  /** the softmax probability of the wrong answer */
  probability: number
}

/** Images side by side in the order of the samples: [n, rowCount * columnCount]. */
export interface Pictures {
  data: Float32Array
  rowCount: number
  columnCount: number
}

// Three drawings of 26 columns with a column between them fill 80.
const DRAWING_COLUMNS = 26
export const DRAWINGS_PER_ROW = 3

/** The index of the largest logit of each row; of equal ones, the first. */
export function predictedClasses(logits: Float32Array, classCount: number): Int32Array {
  return Int32Array.from({ length: logits.length / classCount }, (_, sample) => {
    const row = logits.subarray(sample * classCount, (sample + 1) * classCount)
    return row.reduce((best, value, i) => (value > row[best] ? i : best), 0)
  })
}

/** counts[label][predicted]: how many samples of one class were taken for another. */
export function confusionCounts(labels: Int32Array, predicted: Int32Array, classCount: number): number[][] {
  const counts = Array.from({ length: classCount }, () => new Array<number>(classCount).fill(0))
  labels.forEach((label, sample) => {
    counts[label][predicted[sample]]++
  })
  return counts
}

/** The counts as a table: a row per true class, a column per predicted one, recall at the end of the row. */
export function confusionTable(counts: number[][], names: string[]): string {
  const nameWidth = Math.max(...names.map((name) => name.length))
  // 80 columns: the names, 10 cells, and ' recall'
  const cell = (text: string) => text.padStart(6)
  const head = `${' '.repeat(nameWidth)}${names.map((name) => cell(name.slice(0, 5))).join('')}   recall`
  const rows = counts.map((row, label) => {
    const total = row.reduce((sum, count) => sum + count, 0)
    const recall = total === 0 ? '-' : `${((100 * row[label]) / total).toFixed(1)} %`
    const cells = row.map((count) => cell(count === 0 ? '·' : String(count))).join('')
    return names[label].padStart(nameWidth) + cells + recall.padStart(9)
  })
  return [head, ...rows].join('\n')
}

/** The wrong answers the network was surest of, surest first, `count` at most. */
export function surestMistakes(
  logits: Float32Array,
  labels: Int32Array,
  classCount: number,
  count: number,
): Mistake[] {
  const predicted = predictedClasses(logits, classCount)
  const mistakes: Mistake[] = []
  labels.forEach((label, index) => {
    const guess = predicted[index]
    if (guess === label) return
    const row = logits.subarray(index * classCount, (index + 1) * classCount)
    // softmax at the largest logit: 1 / sum_i exp(z_i - z_max); for the eye only, so any exp will do
    const probability = 1 / row.reduce((sum, z) => sum + Math.exp(z - row[guess]), 0)
    mistakes.push({ index, label, predicted: guess, probability })
  })
  return mistakes.sort((a, b) => b.probability - a.probability || a.index - b.index).slice(0, count)
}

/** Draws the mistakes side by side, each with a caption such as `is 5, predicted 3 (87 %)`. */
export function drawMistakes(mistakes: Mistake[], pictures: Pictures, names: string[]): string {
  const pixelCount = pictures.rowCount * pictures.columnCount
  const blocks: string[] = []
  for (let first = 0; first < mistakes.length; first += DRAWINGS_PER_ROW) {
    const group = mistakes.slice(first, first + DRAWINGS_PER_ROW)
    const drawings = group.map(({ index }) => {
      const pixels = pictures.data.subarray(index * pixelCount, (index + 1) * pixelCount)
      return drawImage(pixels, pictures.columnCount, DRAWING_COLUMNS)
    })
    const captions = group.map(({ label, predicted, probability }) => {
      const percent = Math.round(100 * probability)
      const words = `is ${names[label]}, predicted ${names[predicted]} (${percent} %)`
      return wrapWords(words.replace(' %', '\u00a0%'), DRAWING_COLUMNS)
    })
    blocks.push([...trimBlank(sideBySide(drawings)), ...sideBySide(captions)].join('\n'))
  }
  return blocks.join('\n\n').replaceAll('\u00a0', ' ')
}

/** Draws the first `count` pictures side by side. */
export function drawRow({ data, rowCount, columnCount }: Pictures, count: number): string {
  const pixelCount = rowCount * columnCount
  const drawings = Array.from({ length: count }, (_, i) =>
    drawImage(data.subarray(i * pixelCount, (i + 1) * pixelCount), columnCount, DRAWING_COLUMNS),
  )
  return trimBlank(sideBySide(drawings)).join('\n')
}

// What a character cell can show, as the brightness of its upper and its lower half.
const GLYPHS: [glyph: string, upper: number, lower: number][] = [
  [' ', 0, 0],
  ['░', 0.25, 0.25],
  ['▒', 0.5, 0.5],
  ['▓', 0.75, 0.75],
  ['█', 1, 1],
  ['▀', 1, 0],
  ['▄', 0, 1],
]

/**
 * Draws one image [rows, columnCount] in [0, 1] as lines of text, two pixel rows to a line, each cell the
 * nearest of blank, shade, half or full block. A wide image is first halved, thirded ... until it is at
 * most two columns too wide, then loses those at its edges.
 */
export function drawImage(pixels: Float32Array, columnCount: number, maxColumns: number): string[] {
  const rowCount = pixels.length / columnCount
  const factor = Math.ceil(columnCount / (maxColumns + 2))
  const height = Math.floor(rowCount / factor)
  const width = Math.floor(columnCount / factor)
  const margin = Math.ceil(Math.max(width - maxColumns, 0) / 2)

  // mean of the factor x factor pixels at (row, column) of the reduced image; dark below its end
  const brightness = (row: number, column: number) => {
    if (row >= height) return 0
    let sum = 0
    for (let y = row * factor; y < (row + 1) * factor; y++) {
      for (let x = column * factor; x < (column + 1) * factor; x++) sum += pixels[y * columnCount + x]
    }
    return sum / (factor * factor)
  }

  const lines: string[] = []
  for (let row = 0; row < height; row += 2) {
    let line = ''
    for (let column = margin; column < width - margin; column++) {
      line += nearestGlyph(brightness(row, column), brightness(row + 1, column))
    }
    lines.push(line)
  }
  return lines
}

function nearestGlyph(upper: number, lower: number): string {
  let best = ' '
  let bestDistance = Infinity
  for (const [glyph, glyphUpper, glyphLower] of GLYPHS) {
    const distance = (upper - glyphUpper) * (upper - glyphUpper) + (lower - glyphLower) * (lower - glyphLower)
    if (distance < bestDistance) {
      best = glyph
      bestDistance = distance
    }
  }
  return best
}

function sideBySide(columns: string[][]): string[] {
  const height = Math.max(...columns.map((lines) => lines.length))
  return Array.from({ length: height }, (_, row) =>
    columns
      .map((lines) => (lines[row] ?? '').padEnd(DRAWING_COLUMNS))
      .join(' ')
      .trimEnd(),
  )
}

// Empty lines at the top and the bottom say nothing.
function trimBlank(lines: string[]): string[] {
  const inked = lines.map((line) => line.trim() !== '')
  return lines.slice(Math.max(inked.indexOf(true), 0), inked.lastIndexOf(true) + 1)
}

/** Lines of at most `width` columns. */
export function wrapWords(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const line = lines.at(-1)
    if (line !== undefined && line.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word)
  }
  return lines
}
