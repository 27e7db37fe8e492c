// What the taught net says, as bars: of the camera's picture, again and again, or of a picture given for a test.
import { button, h } from '../lib/dom.ts'
import type { Camera } from './camera.ts'
import { acceptDrops, fileButton, readPicture, thumbnail } from './pictures.ts'
import type { Answer, Square } from './protocol.ts'

/** The least time between two questions: the page and the worker have other things to do as well. */
const PAUSE_MS = 60
/** Below this share an answer is a guess. */
const SURE = 0.7

interface Bar {
  readonly name: HTMLElement
  readonly fill: HTMLElement
  readonly text: HTMLElement
}

const whole = (share: number): string => `${Math.round(100 * share)} %`

export class Answers {
  readonly element: HTMLElement
  private readonly bars = h('div', { class: 'bars named' })
  private readonly verdict = h('p', { class: 'verdict', 'data-figure': 'verdict' })
  private readonly speed = h('p', { class: 'note', 'data-figure': 'speed' })
  private readonly shown = h('div', { class: 'tested', hidden: true })
  private readonly alarm = h('p', { class: 'alarm', role: 'alert', hidden: true })
  private readonly camera: Camera
  private readonly ask: (square: Square) => Promise<Answer>
  private rows: Bar[] = []
  private names: readonly string[] = []
  private test: Square | null = null
  private isAsking = false

  constructor(camera: Camera, ask: (square: Square) => Promise<Answer>) {
    this.camera = camera
    this.ask = ask
    const file = fileButton(
      'Test picture …',
      'Test picture from a file',
      { accept: 'image/*', isMany: false },
      (files) => void this.give(files),
    )
    this.element = h(
      'div',
      { class: 'stack drop' },
      this.verdict,
      this.bars,
      this.shown,
      this.alarm,
      h('div', { class: 'row' }, file),
      this.speed,
    )
    acceptDrops(this.element, (files) => void this.give(files))
    this.clear()
  }

  /** Nothing is taught. */
  clear(): void {
    this.teach([])
    this.forget()
  }

  /** Another head, which tells these classes apart; none: nothing is taught. */
  teach(names: readonly string[]): void {
    this.rows = names.map(() => ({
      name: h('span', { class: 'bar-name' }),
      fill: h('i', {}),
      text: h('span', { class: 'num' }, '–'),
    }))
    this.bars.replaceChildren(
      ...this.rows.flatMap(({ name, fill, text }) => [name, h('div', { class: 'track' }, fill), text]),
    )
    this.rename(names)
    this.say()
    this.run()
  }

  rename(names: readonly string[]): void {
    this.names = names
    for (const [i, { name }] of this.rows.entries()) {
      name.textContent = names[i]
      name.title = names[i]
    }
  }

  /** Goes on asking where there is something to ask about. */
  run(): void {
    if (!this.isAsking) void this.loop()
  }

  private async loop(): Promise<void> {
    this.isAsking = true
    let asked: Square | null = null
    while (this.rows.length > 0) {
      const { rows } = this
      const square = this.test ?? this.camera.square()
      // a test picture is asked about once
      if (!square || square === asked) break
      if (square === this.test) asked = square
      try {
        const answer = await this.ask(square)
        if (rows === this.rows && (square === this.test || (!this.test && this.camera.isOn)))
          this.show(answer)
      } catch (error) {
        // a question to a head that is gone by now is of no interest
        if (rows === this.rows) {
          this.complain(error)
          break
        }
      }
      await new Promise((done) => setTimeout(done, PAUSE_MS))
    }
    this.isAsking = false
    if (!this.test) this.say()
  }

  private complain(error: unknown): void {
    this.alarm.textContent = (error as Error).message
    this.alarm.hidden = false
  }

  private show({ shares, ms }: Answer): void {
    this.alarm.hidden = true
    const best = shares.indexOf(Math.max(...shares))
    for (const [i, { name, fill, text }] of this.rows.entries()) {
      fill.style.transform = `scaleX(${shares[i]})`
      text.textContent = whole(shares[i])
      name.classList.toggle('best', i === best)
      text.classList.toggle('best', i === best)
    }
    this.verdict.textContent =
      shares[best] < SURE
        ? `Perhaps ${this.names[best]}; it isn’t sure.`
        : `It takes this for ${this.names[best]}.`
    this.speed.textContent = `An answer takes ${ms < 1 ? 'less than 1' : Math.round(ms)} ms.`
  }

  /** Before there is an answer. */
  private say(): void {
    this.verdict.textContent =
      this.rows.length === 0
        ? 'Nothing is taught yet.'
        : this.camera.isOn || this.test
          ? '…'
          : 'Switch the camera on, or give a picture to test with.'
    this.speed.textContent = ''
    for (const { fill, text, name } of this.rows) {
      fill.style.transform = 'scaleX(0)'
      text.textContent = '–'
      text.classList.remove('best')
      name.classList.remove('best')
    }
  }

  private async give([file]: readonly File[]): Promise<void> {
    if (!file) return
    try {
      this.test = await readPicture(file)
    } catch (error) {
      this.complain(error)
      return
    }
    this.alarm.hidden = true
    const picture = thumbnail(this.test, 160)
    picture.setAttribute('role', 'img')
    picture.setAttribute('aria-label', `The test picture: ${file.name}`)
    this.shown.replaceChildren(
      picture,
      button('Put it away', () => this.forget(), { 'data-action': 'forget' }),
    )
    this.shown.hidden = false
    // what a picture is taken for is said aloud; of the camera it would be said without end
    this.verdict.setAttribute('aria-live', 'polite')
    this.say()
    this.run()
  }

  /** Back from the test picture to the camera. */
  private forget(): void {
    this.test = null
    this.verdict.setAttribute('aria-live', 'off')
    this.alarm.hidden = true
    this.shown.hidden = true
    this.say()
    this.run()
  }
}
