// The points the network is to learn from. Enters: the choice of a set, noise, the share for training, strokes on the
// square. Leaves: training and test points, shown on the square and given to the training, drawn ones also to the link.
import { palette, rampColor } from '../lib/colors.ts'
import { button, checkbox, h, slider } from '../lib/dom.ts'
import {
  decodePoints,
  encodePoints,
  isRegression,
  MOST_POINTS,
  makePoints,
  type Point,
  type SetName,
  setNames,
  split,
} from './data.ts'
import { EXTENT } from './grid.ts'
import { type Change, noises, type Settings, shares } from './settings.ts'
import { traceMark } from './surface.ts'
import type { Training } from './training.ts'
import type { View } from './view.ts'

export function makeSets(settings: Settings, change: Change, view: View, training: Training) {
  const { surface } = view
  let points: Point[] = []
  let brush: 0 | 1 = 1

  /** Made or drawn points, for the network as it is or, by `give`, for a new one. */
  function usePoints(give = training.learnFrom): void {
    const isOwn = settings.data === 'own'
    points = isOwn
      ? decodePoints(settings.points)
      : makePoints(settings.data as SetName, settings.noise, settings.seed)
    if (isOwn) settings.points = encodePoints(points)
    useSplit(give)
  }

  function useSplit(give = training.learnFrom): void {
    const [train, test] = split(points, settings.train / 100)
    surface.train = train
    surface.test = test
    surface.picture.redraw()
    view.note(
      points.length < MOST_POINTS
        ? 'Click or drag on the square; with the keyboard: arrows, then Enter. Hollow points are kept for testing.'
        : `${MOST_POINTS} points: more don’t fit in a link.`,
    )
    give(train, test)
  }

  /** Where the visitor draws a point. */
  function draw(x: number, y: number): void {
    if (settings.data !== 'own' || points.length >= MOST_POINTS) return
    points.push({ x, y, label: brush })
    change({ points: encodePoints(points) }, () => useSplit())
  }

  /** The points that are set, and a network that has seen none. */
  function restart(): void {
    usePoints(training.begin)
    showData()
  }

  const reseed = button('New seed', () => change({ seed: 1 + (settings.seed % 999) }, restart), {
    title: 'Other first weights, other points',
    class: 'quiet',
  })
  const controls = {
    noise: slider('Noise', { ...noises, text: (value) => `${value} %` }, (noise) =>
      change({ noise }, () => usePoints()),
    ),
    train: slider('Used for training', { ...shares, text: (value) => `${value} %` }, (train) =>
      change({ train }, () => useSplit()),
    ),
    test: checkbox('Show test points', (on) =>
      change({ test: on ? 1 : 0 }, () => {
        surface.showTest = on
        surface.picture.redraw()
      }),
    ),
  }

  const thumbnails: { name: SetName; canvas: HTMLCanvasElement }[] = []
  const setButtons = Object.entries(setNames).map(([name, text]) => {
    const element = button('', () =>
      change({ data: name }, () => {
        restart()
        if (name === 'own') surface.element.scrollIntoView({ block: 'nearest' })
      }),
    )
    element.dataset.set = name
    const canvas = h('canvas', { width: THUMBNAIL, height: THUMBNAIL, 'aria-hidden': 'true' })
    thumbnails.push({ name: name as SetName, canvas })
    drawThumbnail(canvas, name as SetName)
    element.append(canvas, text)
    return element
  })
  const brushes = ([1, 0] as const).map((label) =>
    button(
      label ? 'Blue' : 'Orange',
      () => {
        brush = label
        showData()
      },
      { class: `swatch ${label ? 'blue' : 'orange'}` },
    ),
  )
  const ownTools = h(
    'div',
    { class: 'row', hidden: true },
    ...brushes,
    button('Clear', () => change({ points: '' }, () => usePoints())),
    view.ownNote,
  )

  const list = h('div', { class: 'sets' }, ...setButtons)
  function showData(): void {
    for (const element of setButtons) {
      const isChosen = element.dataset.set === settings.data
      element.setAttribute('aria-pressed', String(isChosen))
      // on a phone the list is one line that scrolls sideways
      if (isChosen) list.scrollLeft = element.offsetLeft + (element.offsetWidth - list.clientWidth) / 2
    }
    brushes[0].setAttribute('aria-pressed', String(brush === 1))
    brushes[1].setAttribute('aria-pressed', String(brush === 0))
    const isOwn = settings.data === 'own'
    ownTools.hidden = !isOwn
    surface.drawing = isOwn
    const noise = controls.noise.element.querySelector('input')
    if (noise) noise.disabled = isOwn
    const showsTest = controls.test.element.querySelector('input')
    if (showsTest) showsTest.disabled = isOwn
    controls.test.set(isOwn || settings.test === 1)
  }

  return {
    reseed,
    list,
    noise: controls.noise.element,
    share: controls.train.element,
    showTest: controls.test.element,
    ownTools,
    draw,
    /** The settings, as a link has set them. */
    show() {
      controls.noise.set(settings.noise)
      controls.train.set(settings.train)
      surface.showTest = settings.test === 1
      restart()
    },
    repaint() {
      for (const { name, canvas } of thumbnails) drawThumbnail(canvas, name)
      surface.picture.redraw()
    },
  }
}

const THUMBNAIL = 92

/** A set of points in small. */
function drawThumbnail(canvas: HTMLCanvasElement, name: SetName): void {
  const context = canvas.getContext('2d') as CanvasRenderingContext2D
  context.clearRect(0, 0, THUMBNAIL, THUMBNAIL)
  const place = (value: number) => ((value + EXTENT) / (2 * EXTENT)) * THUMBNAIL
  const isValues = isRegression(name)
  for (const { x, y, label } of makePoints(name, 0, 1)) {
    context.fillStyle = isValues ? rampColor(1.4 * label) : label ? palette.blue : palette.orange
    context.beginPath()
    traceMark(context, isValues ? 1 : label, place(x), place(-y), 3)
    context.fill()
  }
  if (name !== 'own') return
  context.font = '56px system-ui'
  context.fillStyle = palette.muted
  context.textAlign = 'center'
  context.fillText('✎', THUMBNAIL / 2, THUMBNAIL * 0.7)
}
