// Which net looks at the pictures: the built-in one, files, or an address; where it is cut, and which numbers it reads.
import { button, choice, grouped, h } from '../lib/dom.ts'
import { acceptDrops, fileButton } from './pictures.ts'
import { type NetInfo, type NetSource, type Scaling, scalings } from './protocol.ts'

interface Events {
  /** Rejects in words where the net can't be taken. */
  use(source: NetSource): Promise<NetInfo>
  cut(layer: string, scaling: Scaling): Promise<NetInfo>
  /** The address in the field. */
  address(text: string): void
}

const BUILT_IN =
  'Built in: it looks for edges in eight directions and for colors, in sixteen fields of the picture, in its quarters and in the whole. Nothing has to be fetched. It tells things apart that differ in color, outline or place; a net trained on photographs sees more.'

export class NetPanel {
  readonly element: HTMLElement
  private readonly about = h('p', { 'data-figure': 'net' })
  private readonly state = h('p', { class: 'note', role: 'status' })
  private readonly alarm = h('p', { class: 'alarm words', role: 'alert', hidden: true })
  private readonly notes = h('ul', { class: 'note', hidden: true })
  private readonly options = h('div', { class: 'bar' })
  private readonly builtin: HTMLButtonElement
  private readonly field: HTMLInputElement
  private readonly events: Events
  private info: NetInfo | null = null
  private turn = 0

  constructor(events: Events) {
    this.events = events
    this.builtin = button('Built in', () => void this.use(null), { 'data-action': 'built-in' })
    this.field = h('input', {
      id: 'teach-address',
      type: 'url',
      placeholder: 'https://…/model.json',
      autocomplete: 'off',
      spellcheck: 'false',
      oninput: () => events.address(this.address),
    })
    const files = fileButton(
      'Files …',
      'Files … with a net',
      { accept: '', isMany: true }, // any: weights of TensorFlow.js may have names without an ending
      (chosen) => void this.use({ files: chosen }),
    )
    const fetching = h(
      'form',
      {
        class: 'row address',
        onsubmit: (event: Event) => {
          event.preventDefault()
          if (this.address) void this.use({ address: this.address })
        },
      },
      h('label', { for: this.field.id }, 'Address'),
      this.field,
      h('button', { type: 'submit', 'data-action': 'fetch' }, 'Fetch'),
    )
    this.element = h(
      'div',
      { class: 'stack drop' },
      this.about,
      this.notes,
      this.options,
      h('div', { class: 'row' }, this.builtin, files),
      fetching,
      this.state,
      this.alarm,
      h(
        'p',
        { class: 'note' },
        'Files of a net: model.json with all of its .bin files (TensorFlow.js), .keras or .h5 (Keras), .onnx (PyTorch and others), .safetensors (lanegrad). They can be dropped here, and stay on this device.',
      ),
    )
    acceptDrops(this.element, (dropped) => void this.use({ files: dropped }))
  }

  get address(): string {
    return this.field.value.trim()
  }
  set address(text: string) {
    this.field.value = text
  }

  get current(): NetInfo | null {
    return this.info
  }

  /** Says what the built-in net is, before the worker has made it. */
  reset(): void {
    this.turn++
    this.info = null
    this.about.textContent = BUILT_IN
    this.builtin.setAttribute('aria-pressed', 'true')
    this.options.replaceChildren()
    this.notes.hidden = true
    this.alarm.hidden = true
    this.state.textContent = ''
  }

  async use(source: NetSource): Promise<void> {
    await this.change('The net is being read …', () => this.events.use(source))
  }

  private async change(text: string, call: () => Promise<NetInfo>): Promise<void> {
    const turn = ++this.turn
    this.alarm.hidden = true
    this.state.textContent = text
    try {
      const info = await call()
      if (turn === this.turn) this.show(info)
    } catch (error) {
      if (turn !== this.turn) return
      this.alarm.textContent = (error as Error).message
      this.alarm.hidden = false
      if (this.info) this.show(this.info)
    }
    if (turn === this.turn) this.state.textContent = ''
  }

  private show(info: NetInfo): void {
    this.info = info
    const { name, size, channels, parameters, features, layers, layer, scaling, notes } = info
    this.builtin.setAttribute('aria-pressed', String(name === ''))
    const numbers = `The head gets ${grouped(features)} numbers of each picture.`
    this.about.textContent = name
      ? `${name}: ${grouped(parameters)} parameters; it takes ${channels === 3 ? 'color' : 'gray'} pictures of ${size.join(' × ')}. ${numbers}`
      : `${BUILT_IN} ${numbers}`
    this.notes.replaceChildren(...notes.map((note) => h('li', {}, note)))
    this.notes.hidden = notes.length === 0
    this.options.replaceChildren()
    if (!name) return
    const cut = choice('Cut after the layer', layers, (value) => this.cut(value, scaling))
    cut.set(layer)
    const texts = Object.fromEntries(Object.entries(scalings).map(([own, { text }]) => [own, text]))
    const numbersRead = choice('Numbers of a pixel', texts, (value) => this.cut(layer, value as Scaling))
    numbersRead.set(scaling)
    this.options.append(cut.element, numbersRead.element)
  }

  private cut(layer: string, scaling: Scaling): void {
    void this.change('The net is being cut …', () => this.events.cut(layer, scaling))
  }
}
