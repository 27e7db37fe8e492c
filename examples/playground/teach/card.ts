// A class as a card: its name and its pictures. A picture comes from files, from what is dropped on the card, or from the camera
// while its button is held; pressing a picture takes it out again.
import { button, h } from '../lib/dom.ts'
import type { Camera } from './camera.ts'
import { acceptDrops, fileButton, readPicture, thumbnail } from './pictures.ts'
import type { Square } from './protocol.ts'

export interface Events {
  /** A picture has come. */
  add(id: number, square: Square): void
  remove(ids: readonly number[]): void
  /** Classes, names or pictures are others. */
  change(): void
  /** What couldn't be done, in words. */
  problem(text: string): void
}

const MOST_PICTURES = 100
/** Between two pictures while the button is held. */
const EVERY_MS = 150

let lastPicture = 0

export class Card {
  readonly id: number
  readonly element: HTMLElement
  pictures: number[] = []
  private readonly thumbs = new Map<number, HTMLButtonElement>()
  private readonly grid = h('div', { class: 'thumbs' })
  private readonly count = h('span', { class: 'note', 'data-figure': 'count' })
  private readonly field: HTMLInputElement
  private readonly hold: HTMLButtonElement
  private readonly away: HTMLButtonElement
  private readonly camera: Camera
  private readonly events: Events
  private timer = 0
  /** Counts the presses of the button: a picture is taken while its press lasts. */
  private press = 0
  private isPointer = false

  constructor(id: number, camera: Camera, events: Events, onDrop: () => void) {
    this.id = id
    this.camera = camera
    this.events = events
    this.field = h('input', {
      type: 'text',
      maxlength: 40,
      value: `Class ${id}`,
      autocomplete: 'off',
      spellcheck: 'false',
      oninput: () => {
        this.nameParts()
        events.change()
      },
    })
    this.hold = h('button', {
      type: 'button',
      class: 'hold',
      'data-action': 'hold',
      onpointerdown: (event: PointerEvent) => {
        if (event.button !== 0) return
        this.hold.setPointerCapture(event.pointerId)
        this.isPointer = true
        void this.take()
      },
      onlostpointercapture: () => this.release(),
      oncontextmenu: (event: Event) => event.preventDefault(), // a long touch is a hold
      onkeydown: (event: KeyboardEvent) => {
        if (event.key !== ' ' && event.key !== 'Enter') return
        event.preventDefault()
        if (!event.repeat) void this.take()
      },
      onkeyup: (event: KeyboardEvent) => {
        if (event.key === ' ' || event.key === 'Enter') {
          event.preventDefault()
          this.release()
        }
      },
      onblur: () => this.release(),
      // pressed by a program that helps with seeing or moving: one picture
      onclick: () => {
        if (!this.isPointer) void this.take().then(() => this.release())
        this.isPointer = false
      },
    })
    this.away = button('×', onDrop, { class: 'quiet', 'data-action': 'remove-class' })
    const files = fileButton(
      'Files …',
      'Files … with pictures',
      { accept: 'image/*', isMany: true },
      (chosen) => void this.read(chosen),
    )
    this.element = h(
      'section',
      { class: 'kind' },
      h('div', { class: 'row kind-head' }, this.field, this.count, this.away),
      h('div', { class: 'row' }, this.hold, files),
      this.grid,
    )
    acceptDrops(this.element, (dropped) => void this.read(dropped))
  }

  get name(): string {
    return this.field.value.trim() || `Class ${this.id}`
  }

  focus(): void {
    this.field.focus()
    this.field.select()
  }

  /** Its number among the cards, and whether it may go. */
  place(at: number, isMany: boolean): void {
    this.field.setAttribute('aria-label', `Name of class ${at}`)
    this.away.disabled = !isMany
    this.nameParts()
    this.paint()
  }

  private nameParts(): void {
    const { name } = this
    this.element.setAttribute('aria-label', name)
    this.hold.textContent = 'Hold for pictures'
    this.hold.setAttribute('aria-label', `Hold for pictures of ${name} from the camera`)
    this.away.setAttribute('aria-label', `Remove ${name}`)
    for (const control of this.element.querySelectorAll('span > button, input[type=file]'))
      control.setAttribute('aria-label', `Files … with pictures of ${name}`)
    for (const [id, thumb] of this.thumbs) this.nameThumb(id, thumb, thumb.dataset.told ?? '')
  }

  private nameThumb(id: number, thumb: HTMLButtonElement, told: string): void {
    const which = `picture ${this.pictures.indexOf(id) + 1} of ${this.name}`
    const text = told ? `Remove ${which}, which was taken for ${told}` : `Remove ${which}`
    thumb.setAttribute('aria-label', text)
    thumb.title = text
  }

  mark(id: number, told: string): void {
    const thumb = this.thumbs.get(id)
    if (!thumb) return
    thumb.classList.toggle('wrong', told !== '')
    thumb.dataset.told = told
    this.nameThumb(id, thumb, told)
  }

  private async read(files: readonly File[]): Promise<void> {
    const unread: string[] = []
    for (const file of files) {
      try {
        if (!this.add(await readPicture(file))) break
      } catch {
        unread.push(file.name)
      }
    }
    if (unread.length === 0) return
    const rest = unread.length > 3 ? ` and ${unread.length - 3} more` : ''
    this.events.problem(`No picture that this browser can read: ${unread.slice(0, 3).join(', ')}${rest}.`)
  }

  /** Takes pictures from now on; an off camera is switched on first. */
  private async take(): Promise<void> {
    this.release()
    const { press } = this
    this.hold.classList.add('held')
    if (!this.camera.isOn && !(await this.camera.start())) return this.release()
    const shot = () => {
      if (press !== this.press) return
      const square = this.camera.square()
      if (square && !this.add(square)) return this.release()
      this.timer = window.setTimeout(shot, EVERY_MS)
    }
    shot()
  }

  /** Takes no more. */
  release(): void {
    this.press++
    clearTimeout(this.timer)
    this.hold.classList.remove('held')
  }

  /** Whether there was room. */
  private add(square: Square): boolean {
    if (this.pictures.length >= MOST_PICTURES) {
      this.events.problem(`${this.name} has ${MOST_PICTURES} pictures: more don’t fit.`)
      return false
    }
    const id = ++lastPicture
    const thumb = button('', () => this.takeOut(id), { class: 'thumb' })
    thumb.append(thumbnail(square))
    this.thumbs.set(id, thumb)
    this.pictures = [...this.pictures, id]
    this.nameThumb(id, thumb, '')
    this.grid.append(thumb)
    this.events.add(id, square)
    this.paint()
    this.events.change()
    return true
  }

  private takeOut(id: number): void {
    const thumb = this.thumbs.get(id)
    const next = (thumb?.nextElementSibling ?? thumb?.previousElementSibling ?? this.field) as HTMLElement
    thumb?.remove()
    this.thumbs.delete(id)
    this.pictures = this.pictures.filter((own) => own !== id)
    next.focus()
    this.nameParts()
    this.events.remove([id])
    this.paint()
    this.events.change()
  }

  private paint(): void {
    const { length } = this.pictures
    this.count.textContent = `${length} ${length === 1 ? 'picture' : 'pictures'}`
    this.grid.hidden = length === 0
  }
}
