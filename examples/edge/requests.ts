// What a stranger sends, checked: nothing of it reaches the library before it is known to be numbers of the right shape.
//
// In:  a request. Out: its JSON as samples, or a RequestError that says what is wrong and where.

const MAX_BODY_BYTES = 64 * 1024
const MAX_ROWS = 500
/** The frozen network has as many outputs. */
export const MAX_LABELS = 20
const MAX_EPOCHS = 100
const DEFAULT_EPOCHS = 20

/** Answered with `status` and its message. */
export class RequestError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

const refuse = (message: string): never => {
  throw new RequestError(400, message)
}

/** The body, read only as far as it may be long. */
async function readText(request: Request): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let length = 0
  const reader = request.body?.getReader()
  for (let chunk = await reader?.read(); chunk?.value; chunk = await reader?.read()) {
    length += chunk.value.length
    if (length > MAX_BODY_BYTES) {
      await reader?.cancel()
      throw new RequestError(413, `the body is too large: at most ${MAX_BODY_BYTES} bytes`)
    }
    text += decoder.decode(chunk.value, { stream: true })
  }
  return text
}

type Fields = Readonly<Record<string, unknown>>

function record(what: string, value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse(`${what}: expected an object`)
  return value as Fields
}

async function readJson(request: Request): Promise<Fields> {
  const text = await readText(request)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return refuse(`the body is no JSON: ${error instanceof Error ? error.message : error}`)
  }
  return record('the body', value)
}

function readRows(what: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > MAX_ROWS)
    return refuse(`${what}: expected a list of 1 to ${MAX_ROWS}`)
  return value
}

/** A short print of what a stranger sent, which may be long and deep. */
function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40))
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

function readFeatures(what: string, value: unknown, names: readonly string[]): number[] {
  if (!Array.isArray(value) || value.length !== names.length)
    return refuse(`${what}: expected ${names.length} numbers (${names.join(', ')})`)
  value.forEach((feature, i) => {
    // JSON has no NaN; 1e999 is Infinity, and as a float32 1e39 is, too
    if (typeof feature !== 'number' || !Number.isFinite(Math.fround(feature)))
      refuse(`${what}[${i}] (${names[i]}): expected a finite number, got ${shown(feature)}`)
  })
  return value
}

export interface Training {
  readonly x: number[][]
  /** Indices into `labels`. */
  readonly y: number[]
  readonly labels: string[]
  readonly epochs: number
}

/** `{ "samples": [{ "x": [...], "label": "..." }, ...], "epochs": 20 }` */
export async function readTraining(request: Request, names: readonly string[]): Promise<Training> {
  const { samples, epochs = DEFAULT_EPOCHS } = await readJson(request)
  if (!Number.isInteger(epochs) || (epochs as number) < 1 || (epochs as number) > MAX_EPOCHS)
    refuse(`epochs: expected an integer from 1 to ${MAX_EPOCHS}`)
  const rows = readRows('samples', samples).map((sample, i) => {
    const { x, label } = record(`samples[${i}]`, sample)
    if (typeof label !== 'string' || label === '') return refuse(`samples[${i}].label: expected a text`)
    return { x: readFeatures(`samples[${i}].x`, x, names), label }
  })
  const labels = [...new Set(rows.map(({ label }) => label))].sort()
  if (labels.length < 2 || labels.length > MAX_LABELS)
    refuse(`samples: expected 2 to ${MAX_LABELS} different labels, got ${labels.length}`)
  return {
    x: rows.map(({ x }) => x),
    y: rows.map(({ label }) => labels.indexOf(label)),
    labels,
    epochs: epochs as number,
  }
}

export interface Question {
  readonly x: number[][]
  /** What /train answered, if the client kept it. */
  readonly kept?: { readonly model: Uint8Array; readonly labels: string[] }
}

/** `{ "x": [[...], ...] }`, and perhaps `model` and `labels` as /train gave them. */
export async function readQuestion(request: Request, names: readonly string[]): Promise<Question> {
  const { x, model, labels } = await readJson(request)
  const rows = readRows('x', x).map((row, i) => readFeatures(`x[${i}]`, row, names))
  if (model === undefined && labels === undefined) return { x: rows }
  const isList = Array.isArray(labels) && labels.length >= 2 && labels.length <= MAX_LABELS
  if (!isList || labels.some((label) => typeof label !== 'string'))
    return refuse(`labels: expected a list of 2 to ${MAX_LABELS} texts, as /train answered`)
  if (typeof model !== 'string') return refuse('model: expected base64, as /train answered')
  try {
    return { x: rows, kept: { model: Uint8Array.from(atob(model), (c) => c.charCodeAt(0)), labels } }
  } catch {
    return refuse('model: expected base64, as /train answered')
  }
}
