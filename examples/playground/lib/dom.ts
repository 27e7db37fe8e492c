// Elements and controls in few words. Every control is a real input with a label; what it shows is set from outside
// by `set`, what the visitor does comes back through `onChange`.

type Child = Node | string | null | false
type Props = Record<string, string | number | boolean | null | undefined | ((event: never) => void)>

/** An element: `on...` props are listeners, booleans are attributes that are there or not. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  fill(element, props, children)
  return element
}

const SVG = 'http://www.w3.org/2000/svg'

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, tag)
  fill(element, props, children)
  return element
}

function fill(element: Element, props: Props, children: readonly Child[]): void {
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value as EventListener)
    else if (value === true) element.setAttribute(name, '')
    else if (value !== false && value !== null && value !== undefined)
      element.setAttribute(name, String(value))
  }
  for (const child of children) if (child) element.append(child)
}

let lastId = 0
const newId = (): string => `c${++lastId}`

export interface Control<T> {
  readonly element: HTMLElement
  set(value: T): void
}

/** A labelled list of choices: value to text. */
export function choice(
  label: string,
  options: Readonly<Record<string, string>>,
  onChange: (value: string) => void,
): Control<string | number> {
  const id = newId()
  const list = h(
    'select',
    { id, onchange: () => onChange(list.value) },
    ...Object.entries(options).map(([value, text]) => h('option', { value }, text)),
  )
  // numbers as keys would come in ascending order whatever order they were written in: that is the order wanted
  const element = h('div', { class: 'field' }, h('label', { for: id }, label), list)
  return {
    element,
    set(value) {
      const text = String(value)
      if (![...list.options].some((option) => option.value === text))
        list.append(h('option', { value: text }, text))
      list.value = text
    },
  }
}

/** Numbers as options of `choice`: the space before them keeps them in the order given. */
export const textsOf = (values: readonly number[]): Record<string, string> =>
  Object.fromEntries(values.map((value) => [` ${value}`, String(value)]))

/** A labelled slider with its value beside it. */
export function slider(
  label: string,
  { min, max, step, text }: { min: number; max: number; step: number; text: (value: number) => string },
  onChange: (value: number) => void,
): Control<number> {
  const id = newId()
  const shown = h('output', { for: id })
  const range = h('input', {
    id,
    type: 'range',
    min,
    max,
    step,
    oninput: () => {
      shown.textContent = text(range.valueAsNumber)
      onChange(range.valueAsNumber)
    },
  })
  const element = h(
    'div',
    { class: 'field' },
    h('div', { class: 'field-head' }, h('label', { for: id }, label), shown),
    range,
  )
  return {
    element,
    set(value) {
      range.value = String(value)
      shown.textContent = text(value)
    },
  }
}

export function checkbox(label: string, onChange: (value: boolean) => void): Control<boolean> {
  const box = h('input', { type: 'checkbox', onchange: () => onChange(box.checked) })
  const element = h('label', { class: 'check' }, box, h('span', {}, label))
  return {
    element,
    set(value) {
      box.checked = value
    },
  }
}

export const button = (text: string, onclick: () => void, props: Props = {}): HTMLButtonElement =>
  h('button', { type: 'button', onclick, ...props }, text)

export const panel = (title: string, ...children: Child[]): HTMLElement =>
  h('section', { class: 'card' }, h('h2', {}, title), ...children)

/** A number with its caption; `set` takes the text. */
export function figure(caption: string, name: string): Control<string> {
  const value = h('strong', { 'data-figure': name }, '–')
  return {
    element: h('div', { class: 'figure' }, h('span', {}, caption), value),
    set(text) {
      if (value.textContent !== text) value.textContent = text
    },
  }
}

/** A canvas as wide as its place; `draw` gets CSS pixels, and is called again when the size changes. */
export class Picture {
  readonly canvas: HTMLCanvasElement
  readonly context: CanvasRenderingContext2D
  width = 0
  height = 0
  private readonly draw: (picture: Picture) => void

  constructor(label: string, className: string, draw: (picture: Picture) => void) {
    this.draw = draw
    this.canvas = h('canvas', { class: className, role: 'img', 'aria-label': label })
    this.context = this.canvas.getContext('2d') as CanvasRenderingContext2D
    new ResizeObserver(() => this.resize()).observe(this.canvas)
  }

  private resize(): void {
    const { clientWidth, clientHeight } = this.canvas
    if (clientWidth === 0 || clientHeight === 0) return
    const scale = window.devicePixelRatio || 1
    this.width = clientWidth
    this.height = clientHeight
    this.canvas.width = Math.round(clientWidth * scale)
    this.canvas.height = Math.round(clientHeight * scale)
    this.redraw()
  }

  redraw(): void {
    if (this.width === 0) return
    this.context.setTransform(this.canvas.width / this.width, 0, 0, this.canvas.height / this.height, 0, 0)
    this.context.clearRect(0, 0, this.width, this.height)
    this.draw(this)
  }

  set label(text: string) {
    this.canvas.setAttribute('aria-label', text)
  }
}

export const round = (value: number, digits = 3): string =>
  Number.isFinite(value) ? value.toFixed(digits) : '–'
export const grouped = (value: number): string => Math.round(value).toLocaleString('en-US')
export const percent = (value: number): string =>
  Number.isFinite(value) ? `${(100 * value).toFixed(1)} %` : '–'

/** Said where a loss is no number any more: at which learning rate. Hidden where that is null. */
export function divergedNote(): Control<number | null> {
  const element = h('p', { class: 'alarm', role: 'alert', hidden: true })
  return {
    element,
    set(rate) {
      element.hidden = rate === null
      if (rate === null) return
      const text = `This diverged: at a learning rate of ${rate} each step went past its goal, the next one further still, until the weights were no numbers any more. Choose a smaller learning rate, then press Reset.`
      if (element.textContent !== text) element.textContent = text
    },
  }
}
