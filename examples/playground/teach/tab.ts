// Teach: a net learns to tell the visitor's own pictures apart. The pictures (classes.ts) go to the worker, whose net looks at
// them; Teach lets a head learn; then the camera's picture, or one given for a test, is asked about (answers.ts).
import { button, h, panel } from '../lib/dom.ts'
import { type MakeTab, readSettings, writePlace } from '../lib/state.ts'
import { Answers } from './answers.ts'
import { Camera } from './camera.ts'
import { Classes, type Kind } from './classes.ts'
import { Client, Ended } from './client.ts'
import { NetPanel } from './net.ts'
import { type Check, type Lesson, scalings } from './protocol.ts'

const defaults = { net: '' }
const rules = { net: { matches: /^https?:\/\/\S{1,500}$/ } }

/** The guide: what to try here. */
const tries = [
  {
    text: 'Choose two things, as a cup and a pen. Hold the button of each class while you show the thing to the camera, until it has ten pictures. Then press Teach.',
  },
  {
    text: 'Show one thing after the other: the bars say what the net takes the picture for. Hold nothing before the camera as well: it has to choose. A third class for nothing helps.',
  },
  {
    text: 'Without a camera, give pictures as files: drop a folder of them on each class, and another picture on the answers.',
  },
  {
    text: 'Take the pictures of one class in bright light and those of the other in the dark. The net may learn the light instead of the thing: look which pictures it takes for the wrong class.',
  },
  {
    text: 'Choose a net that was trained on photographs, the MobileNet of TensorFlow.js or one from PyTorch as ONNX. It tells things apart that the built-in one can’t.',
  },
]

export const makeTab: MakeTab = (root, onChange) => {
  let taught: readonly Kind[] = []
  let isTeaching = false
  /** Pictures on their way through the net. */
  let waiting = 0

  const status = h('p', { role: 'status', 'data-figure': 'status' })
  const check = h('p', { role: 'status', 'data-figure': 'check' })
  const alarm = h('p', { class: 'alarm', role: 'alert', hidden: true })

  const client = new Client((note) => {
    status.textContent = note
  })
  const camera: Camera = new Camera(() => answers?.run())
  const classes: Classes = new Classes(camera, {
    add(id, square) {
      waiting++
      void attempt(client.call('add', id, square)).then(() => {
        waiting = Math.max(0, waiting - 1)
        paint()
      })
    },
    remove(ids) {
      if (ids.length > 0) void attempt(client.call('remove', ids))
    },
    change: () => paint(),
    problem: complain,
  })
  const answers: Answers = new Answers(camera, (square) => client.call('ask', square))
  const net = new NetPanel({
    async use(source) {
      const info = await client.call('useNet', source)
      unteach()
      return info
    },
    async cut(layer, scaling) {
      const info = await client.call('cut', layer, scaling)
      unteach()
      return info
    },
    address: () => onChange(),
  })

  const teachButton = button('Teach', () => void teach(), { class: 'main', 'data-action': 'teach' })
  const resetButton = button('Reset', reset, {
    'data-action': 'reset',
    title: 'Removes all pictures and classes, and switches the camera off',
  })

  const formats = { safetensors: 'taught.safetensors', onnx: 'taught.onnx' } as const
  const shape = h('p', { class: 'note', 'data-figure': 'shape' })
  const out = panel(
    'Take it with you',
    h(
      'div',
      { class: 'row' },
      ...Object.entries(formats).map(([format, name]) =>
        button(name, () => void save(format as keyof typeof formats), { 'data-action': `save-${format}` }),
      ),
      button('labels.txt', () => download('labels.txt', taughtNames().join('\n')), {
        'data-action': 'save-labels',
      }),
    ),
    shape,
  )

  function complain(text: string): void {
    alarm.textContent = text
    alarm.hidden = false
  }

  /** What the worker says it can't do is said on the page; what Reset has stopped isn't. */
  async function attempt<T>(call: Promise<T>): Promise<T | null> {
    try {
      return await call
    } catch (error) {
      if (!(error instanceof Ended)) complain((error as Error).message)
      return null
    }
  }

  const filled = () => classes.kinds.filter(({ pictures }) => pictures.length > 0)
  const taughtNames = () => {
    const now = new Map(classes.kinds.map(({ id, name }) => [id, name]))
    return taught.map(({ id, name }) => now.get(id) ?? name)
  }

  /** What has to be done next, in words. */
  function next(): string {
    const kinds = filled()
    if (waiting > 0) return `The net looks at the pictures: ${waiting} to go …`
    const [first, second] = classes.kinds
    if (kinds.length === 0) return `Give ${first.name} and ${second.name} a few pictures each.`
    if (kinds.length === 1) return 'Give another class a few pictures as well.'
    const key = (list: readonly Kind[]) => list.map(({ id, pictures }) => [id, ...pictures].join()).join(';')
    if (taught.length === 0) return 'Press Teach.'
    return key(kinds) === key(taught) ? '' : 'The pictures are others now: press Teach again.'
  }

  function paint(): void {
    teachButton.disabled = isTeaching || filled().length < 2
    if (!isTeaching) status.textContent = next()
    answers.rename(taughtNames())
    out.hidden = taught.length === 0
  }

  /** The head is gone: the net is another one. */
  function unteach(): void {
    taught = []
    check.textContent = ''
    classes.mark(new Map())
    answers.teach([])
    paint()
  }

  function learned({ ms, right }: Lesson, count: number): string {
    const seconds = ms < 100 ? 'less than 0.1 s' : `${(ms / 1000).toFixed(1)} s`
    const all = right === count ? `all ${count}` : `${right} of the ${count}`
    return `It has learned in ${seconds}, and tells ${all} pictures that it has learned from.`
  }

  function checked(kinds: readonly Kind[], count: number, found: Check | null): string {
    if (!found) return 'A class with one picture can’t be checked: give it another one.'
    const labels = new Map(kinds.flatMap(({ pictures }, i) => pictures.map((id) => [id, i])))
    const names = taughtNames()
    const wrong = found.filter(({ id, told }) => labels.get(id) !== told)
    classes.mark(new Map(wrong.map(({ id, told }) => [id, names[told]])))
    const share = 1 - wrong.length / count
    const which =
      wrong.length === 0
        ? ''
        : ` The ${wrong.length === 1 ? 'one with a red border was' : `${wrong.length} with a red border were`} taken for another class.`
    const advice = share < 0.8 ? ' More pictures help, and such as differ from each other.' : ''
    return `In a check, each picture was told by a head that hadn’t seen it: ${count - wrong.length} of ${count} right.${which}${advice}`
  }

  async function teach(): Promise<void> {
    const kinds = filled()
    const count = kinds.reduce((sum, { pictures }) => sum + pictures.length, 0)
    isTeaching = true
    alarm.hidden = true
    paint()
    const lesson = await attempt(
      client.call(
        'teach',
        kinds.map(({ pictures }) => pictures),
      ),
    )
    if (lesson) {
      taught = kinds
      classes.mark(new Map())
      answers.teach(taughtNames())
      const info = net.current
      shape.textContent = info
        ? `The model takes ${info.channels === 3 ? 'color' : 'gray'} pictures of ${info.size.join(' × ')}, as numbers (${scalings[info.scaling].text}), and gives a share for each class, in the order of labels.txt.`
        : ''
      const said = learned(lesson, count)
      check.textContent = said
      const found = await attempt(client.call('check'))
      if (taught === kinds) check.textContent = `${said} ${checked(kinds, count, found)}`
    }
    isTeaching = false
    paint()
  }

  async function save(format: keyof typeof formats): Promise<void> {
    const bytes = await attempt(client.call('save', format))
    if (bytes) download(formats[format], bytes)
  }

  function reset(): void {
    client.end()
    camera.stop()
    camera.clear()
    taught = []
    waiting = 0
    isTeaching = false
    classes.reset()
    answers.clear()
    net.reset()
    check.textContent = ''
    alarm.hidden = true
    paint()
    void net.use(null)
  }

  root.append(
    h(
      'div',
      { class: 'bar' },
      h('div', { class: 'row' }, teachButton, resetButton),
      h('div', { class: 'said' }, status, check),
    ),
    alarm,
    h(
      'div',
      { class: 'grid teach' },
      h(
        'div',
        { class: 'column' },
        h('div', { class: 'look' }, panel('Camera', camera.element)),
        h('div', { class: 'answer' }, panel('What it takes the picture for', answers.element)),
      ),
      h(
        'div',
        { class: 'column' },
        panel('Pictures of each class', classes.element),
        h('div', { class: 'which' }, panel('The net that looks', net.element)),
        out,
      ),
    ),
  )
  reset()

  return {
    title: 'Teach: a net learns to tell your own pictures apart',
    tries,
    show() {},
    hide() {
      classes.release()
      camera.stop()
    },
    apply(query) {
      net.address = readSettings(query, defaults, rules).net
    },
    hash: () =>
      writePlace('teach', { net: rules.net.matches.test(net.address) ? net.address : '' }, defaults),
    repaint() {},
  }
}

function download(name: string, content: string | Uint8Array<ArrayBuffer>): void {
  const href = URL.createObjectURL(new Blob([content]))
  h('a', { href, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(href), 1000)
}
