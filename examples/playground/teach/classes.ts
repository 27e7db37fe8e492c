// The classes, as cards: two at first, named, added and removed by the visitor.
import { button, h } from '../lib/dom.ts'
import type { Camera } from './camera.ts'
import { Card, type Events } from './card.ts'

export interface Kind {
  readonly id: number
  readonly name: string
  readonly pictures: readonly number[]
}

const MOST_CLASSES = 12

export class Classes {
  readonly element: HTMLElement
  private readonly list = h('div', { class: 'kinds' })
  private readonly more = button('Add a class', () => this.append(), { 'data-action': 'add-class' })
  private readonly camera: Camera
  private readonly events: Events
  private cards: Card[] = []
  private lastId = 0

  constructor(camera: Camera, events: Events) {
    this.camera = camera
    this.events = events
    const hint =
      'Pictures and folders of them can be dropped on a class. Press a picture to take it out again.'
    this.element = h(
      'div',
      { class: 'stack' },
      this.list,
      h('div', { class: 'row' }, this.more),
      h('p', { class: 'note' }, hint),
    )
  }

  get kinds(): readonly Kind[] {
    return this.cards.map(({ id, name, pictures }) => ({ id, name, pictures }))
  }

  /** Two classes without pictures. */
  reset(): void {
    for (const card of this.cards) card.release()
    this.cards = []
    this.lastId = 0
    this.list.replaceChildren()
    for (let i = 0; i < 2; i++) this.append(false)
  }

  /** Ends what is being taken. */
  release(): void {
    for (const card of this.cards) card.release()
  }

  /** Marks pictures by the names of the classes that they were wrongly taken for, and no others. */
  mark(taken: ReadonlyMap<number, string>): void {
    for (const card of this.cards) for (const id of card.pictures) card.mark(id, taken.get(id) ?? '')
  }

  private append(isAsked = true): void {
    const card = new Card(++this.lastId, this.camera, this.events, () => this.drop(card))
    this.cards.push(card)
    this.list.append(card.element)
    this.paint()
    if (!isAsked) return
    card.focus()
    this.events.change()
  }

  private drop(card: Card): void {
    const at = this.cards.indexOf(card)
    card.release()
    this.cards.splice(at, 1)
    card.element.remove()
    this.events.remove(card.pictures)
    this.paint()
    ;(this.cards[at] ?? this.cards[at - 1]).focus()
    this.events.change()
  }

  private paint(): void {
    this.more.disabled = this.cards.length >= MOST_CLASSES
    for (const [i, card] of this.cards.entries()) card.place(i + 1, this.cards.length > 2)
  }
}
