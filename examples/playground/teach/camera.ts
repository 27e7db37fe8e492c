// The camera: one stream for the preview, the pictures of all classes and the live answers. It is on only while the visitor
// wants it and sees the tab.
import { button, choice, h } from '../lib/dom.ts'
import { squareOf } from './pictures.ts'
import type { Square } from './protocol.ts'

const problems: Readonly<Record<string, string>> = {
  NotAllowedError:
    'The camera isn’t allowed here. Allow it in the browser’s settings for this page, then press Camera on. Pictures can also be given as files.',
  NotFoundError: 'There is no camera. Pictures can be given as files.',
  NotReadableError:
    'The camera can’t be read: another program may be using it. Close that, then press Camera on.',
}
const NOT_SECURE =
  'Browsers give the camera only to pages of https:// or localhost. Pictures can be given as files.'

export class Camera {
  readonly element: HTMLElement
  private readonly video = h('video', {
    playsinline: true,
    muted: true,
    'aria-label': 'What the camera sees',
  })
  private readonly toggle: HTMLButtonElement
  private readonly cover = h('p', { class: 'note' }, 'The camera is off.')
  private readonly alarm = h('p', { class: 'alarm', role: 'alert', hidden: true })
  private readonly devices = h('div', {})
  private readonly onChange: () => void
  private stream: MediaStream | null = null
  private wanted = ''
  /** Counts what was asked for: of two openings, the later one counts. */
  private turn = 0

  /** `onChange` is called when the camera has gone on or off. */
  constructor(onChange: () => void) {
    this.onChange = onChange
    this.video.muted = true // the attribute alone doesn't count once the element is made
    this.toggle = button('Camera on', () => (this.isOn ? this.stop() : void this.start()), {
      'data-action': 'camera',
    })
    this.element = h(
      'div',
      { class: 'stack' },
      h('div', { class: 'viewfinder' }, this.video, this.cover),
      this.alarm,
      h('div', { class: 'row' }, this.toggle, this.devices),
    )
  }

  get isOn(): boolean {
    return this.stream !== null
  }

  /** Resolves with whether it is on; why it isn't is said on the page. */
  async start(): Promise<boolean> {
    this.stop()
    this.alarm.hidden = true
    this.toggle.disabled = true
    const turn = ++this.turn
    const video = { width: { ideal: 640 }, ...(this.wanted && { deviceId: { exact: this.wanted } }) }
    try {
      if (!navigator.mediaDevices) throw new Error(NOT_SECURE)
      const stream = await navigator.mediaDevices.getUserMedia({ video })
      if (turn !== this.turn) {
        for (const track of stream.getTracks()) track.stop()
        return false
      }
      const [track] = stream.getVideoTracks()
      track.addEventListener('ended', () => {
        this.stop()
        this.say('The camera has gone: it was unplugged, or its permission was taken back.')
      })
      // as in a mirror, but for a camera that looks away from the visitor
      this.video.classList.toggle('mirrored', track.getSettings().facingMode !== 'environment')
      this.stream = stream
      this.video.srcObject = stream
      await this.video.play()
      if (turn !== this.turn) return false
      await this.offer(track.getSettings().deviceId ?? '')
      this.paint()
      return this.isOn
    } catch (error) {
      if (turn !== this.turn) return false
      this.stop()
      const { name, message } = error as Error
      this.say(problems[name] ?? (message === NOT_SECURE ? message : `The camera doesn’t start: ${message}`))
      return false
    } finally {
      if (turn === this.turn) this.toggle.disabled = false
    }
  }

  stop(): void {
    this.turn++
    for (const track of this.stream?.getTracks() ?? []) track.stop()
    this.stream = null
    this.video.srcObject = null
    this.toggle.disabled = false
    this.paint()
  }

  /** What it sees now; null while it is off or has no picture yet. */
  square(): Square | null {
    const { videoWidth, videoHeight, readyState } = this.video
    if (!this.isOn || readyState < HTMLMediaElement.HAVE_CURRENT_DATA || videoWidth === 0) return null
    return squareOf(this.video, videoWidth, videoHeight)
  }

  /** Forgets what it has said. */
  clear(): void {
    this.alarm.hidden = true
  }

  /** The cameras to choose from, where there are several. */
  private async offer(own: string): Promise<void> {
    const all = await navigator.mediaDevices.enumerateDevices()
    const cameras = all.filter(({ kind, deviceId }) => kind === 'videoinput' && deviceId)
    this.devices.replaceChildren()
    if (cameras.length < 2) return
    const names = cameras.map(({ deviceId, label }, i) => [deviceId, label || `Camera ${i + 1}`])
    const list = choice('Camera', Object.fromEntries(names), (value) => {
      this.wanted = value
      void this.start()
    })
    list.set(own)
    this.devices.append(list.element)
  }

  private say(text: string): void {
    this.alarm.textContent = text
    this.alarm.hidden = false
  }

  private paint(): void {
    this.toggle.textContent = this.isOn ? 'Camera off' : 'Camera on'
    this.toggle.setAttribute('aria-pressed', String(this.isOn))
    this.cover.hidden = this.isOn
    if (!this.isOn) this.devices.replaceChildren()
    this.onChange()
  }
}
