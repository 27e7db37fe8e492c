// Drawings as text: what they hold is read from the SVG. How they look in a page: test/browser/browser-page.test.ts.
import { afterEach, describe, expect, test, vi } from 'vitest'
import { confusionMatrix, dense, sequential } from '../../src/index.ts'
import {
  livePlot,
  plotConfusion,
  plotHistogram,
  plotHistory,
  plotImages,
  progress,
} from '../../src/plot/index.ts'
import { COLORS, ticks } from '../../src/plot/svg.ts'
import { refused } from '../support/refused.ts'

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

const titleOf = (svg: string) => /<title>([^<]*)<\/title>/.exec(svg)?.[1]
const count = (svg: string, part: RegExp) => [...svg.matchAll(part)].length

/** Every element of the drawing is closed, in order, and no attribute or text holds a bare sign. */
function expectWhole(svg: string): void {
  const open: string[] = []
  const rest = svg.replace(/<(\/?)(\w+)((?: [\w-]+="[^"<]*")*)(\/?)>/g, (_, end, name, __, alone) => {
    if (end) expect(open.pop()).toBe(name)
    else if (!alone) open.push(name)
    return ''
  })
  expect([open, rest.match(/[<>]/)]).toEqual([[], null])
  expect(svg).not.toMatch(/NaN|Infinity|undefined/)
}

describe('plotHistory', () => {
  test('a panel for each log, with its validation dashed, and a title that says what is to be seen', () => {
    const history = {
      loss: [0.9, 0.4, 0.2],
      accuracy: [0.5, 0.8, 0.9],
      val_loss: [1, 0.6, 0.5],
      val_accuracy: [0.4, 0.7, 0.8],
    }
    const svg = plotHistory(history)
    expectWhole(svg)
    expect(titleOf(svg)).toBe(
      'loss from 0.9 to 0.2, val_loss from 1 to 0.5, over 3 epochs; accuracy from 0.5 to 0.9, val_accuracy from 0.4 to 0.8, over 3 epochs',
    )
    expect(svg).toContain('role="img"')
    expect(svg).toContain('viewBox="0 0 480 400"')
    expect(count(svg, /stroke-dasharray/g)).toBe(4) // two curves and their keys
    expect(titleOf(plotHistory(history, { logs: ['accuracy'] }))).toMatch(/^accuracy/)
  })

  test('the least value lies at the bottom of the panel, the largest at its top', () => {
    const svg = plotHistory({ loss: [3, 1, 2] }, { width: 168 })
    expect(svg).toContain('d="M52 28L102 166L152 97"')
  })

  test.each([
    ['one epoch', { loss: [0.5] }, /<circle/],
    ['a gap where a value is not finite', { loss: [1, NaN, 0.5, 0.4] }, /d="M[\d. ]+M[\d. ]+L[\d. ]+"/],
    ['nothing finite', { loss: [NaN, NaN] }, /loss from NaN/],
    ['values that are all alike', { loss: [2, 2, 2] }, /over 3 epochs/],
    ['no epoch', {}, /No epoch has ended yet/],
    ['names that are no names of XML', { 'a<b>"&': [1, 2] }, /a&lt;b&gt;&quot;&amp;/],
  ])('%s', (_, history, part) => {
    const svg = plotHistory(history)
    if (!('loss' in history && history.loss.every(Number.isNaN))) expectWhole(svg)
    expect(svg).toMatch(part)
  })
})

test('plotConfusion tells how many are right, and every cell', () => {
  const svg = plotConfusion(confusionMatrix([0, 0, 1, 2], [0, 1, 1, 2]), { labels: ['cat', 'dog', 'a <b>'] })
  expectWhole(svg)
  expect(titleOf(svg)).toBe('Confusion matrix of 3 classes: 3 of 4 are right')
  expect(svg).toContain('<title>cat taken for dog: 1</title>')
  expect(count(svg, /<rect/g)).toBe(9)
  expectWhole(plotConfusion([[0]]))
})

test('plotImages draws weights as pictures', () => {
  const model = sequential({ inputShape: [6], layers: [dense({ units: 4, name: 'out' })] })
  const { data } = model.getWeights()['out/kernel']
  const svg = plotImages({ shape: [4, 2, 3], data }, { columns: 3 })
  expectWhole(svg)
  expect(titleOf(svg)).toBe('4 pictures of 2 x 3')
  expect(svg).toContain('viewBox="0 0 60 34"')
  expectWhole(plotImages([[0, 0]]))
})

test('plotImages: each pixel in its place, blue above 0 and orange below, stronger where it is larger', () => {
  const svg = plotImages(
    [
      [0, 1, 0.5],
      [-1, 0, -0.25],
    ],
    { scale: 10 },
  )
  const pixel = /<rect x="([^"]*)" y="([^"]*)" width="10" height="10" fill="([^"]*)" fill-opacity="([^"]*)"/g
  const [blue, orange] = COLORS
  expect([...svg.matchAll(pixel)].map(([, x, y, color, share]) => [x, y, color, share])).toEqual([
    ['16', '6', blue, '1'],
    ['26', '6', blue, '0.5'],
    ['6', '16', orange, '1'],
    ['26', '16', orange, '0.25'],
  ])
})

test('the marks of a scale are round numbers within it', () => {
  expect(ticks(0.13, 0.87, 4)).toEqual([0.2, 0.4, 0.6, 0.8])
  expect(ticks(-3, 12, 3)).toEqual([0, 5, 10])
  expect(ticks(1, 4, 3)).toEqual([1, 2, 3, 4])
})

describe('what follows a training', () => {
  /** A clock that the test moves on. */
  function clock() {
    const time = { ms: 1000 }
    vi.spyOn(performance, 'now').mockImplementation(() => time.ms)
    return time
  }
  const run = { epochs: 3, steps: 4 } as never
  /** Where the points of the curve `name` lie, in pixels from the left. */
  const placesOf = (svg: string, name: string) => {
    const path = RegExp(`<path d="([^"]*)"[^>]*><title>${name}</title>`).exec(svg)?.[1] ?? ''
    return [...path.matchAll(/[ML]([\d.]+) /g)].map(([, x]) => Number(x))
  }

  test('livePlot: within an epoch the last point lies where the epoch is, that of the validation stays', () => {
    const time = clock()
    const element = { innerHTML: '' }
    const callback = livePlot(element as Element)
    callback.onTrainBegin?.(run)
    for (let epoch = 0; epoch < 2; epoch++)
      callback.onEpochEnd?.(epoch, { loss: 3 - epoch, val_loss: 4 - epoch })
    time.ms += 1000
    callback.onBatchEnd?.(1, { loss: 0.5 }) // half of the third epoch
    const [left, width] = [52, 480 - 52 - 16]
    const second = Math.round((left + width / 1.5) * 100) / 100
    expect(placesOf(element.innerHTML, 'loss')).toEqual([left, second, left + width])
    expect(placesOf(element.innerHTML, 'val_loss')).toEqual([left, second])
  })

  test('livePlot: another training begins anew, with nothing of the one before', () => {
    clock()
    const element = { innerHTML: '' }
    const callback = livePlot(element as Element)
    for (const loss of [3, 2]) {
      callback.onTrainBegin?.(run)
      callback.onEpochEnd?.(0, { loss })
      callback.onTrainEnd?.({ loss }, null)
      expect(titleOf(element.innerHTML)).toBe(`loss ${loss}, over 1 epoch`)
    }
  })

  test('progress writes ten times a second at most, and how far it is', () => {
    const time = clock()
    const texts: string[] = []
    /** What a page has of it: elements that keep what is set. */
    const make = () => ({
      style: {},
      value: 0,
      setAttribute() {},
      removeAttribute() {},
      set textContent(text: string) {
        texts.push(text)
      },
    })
    vi.stubGlobal('document', { createElement: make })
    const { show } = progress({ innerHTML: '', replaceChildren() {} } as never)
    for (let step = 0; step < 30; step++) {
      show('epoch 1/1', step, 30, { loss: 0.5 })
      time.ms += 10
    }
    show('epoch 1/1', 0, 0, { loss: 0.25 }, true)
    expect(texts).toEqual([
      'epoch 1/1  0 %',
      'epoch 1/1  33 %  0.2 s left  loss 0.5000',
      'epoch 1/1  66 %  0.1 s left  loss 0.5000',
      'epoch 1/1  0.3 s  loss 0.2500',
    ])
  })
})

test('plotHistogram counts every finite number once', () => {
  const svg = plotHistogram([0, 1, 1, 4, NaN], { bins: 4, name: 'kernel' })
  expectWhole(svg)
  expect(titleOf(svg)).toBe('4 numbers, kernel, from 0 to 4; 1 is not finite')
  expect([...svg.matchAll(/: (\d+)<\/title>/g)].map(([, bar]) => Number(bar))).toEqual([1, 2, 0, 1])
  expectWhole(plotHistogram(Float32Array.of(3, 3)))
})

test.each([
  [
    () => plotHistory([1] as never),
    'plotHistory: history must be lists of numbers by name, as fit returns them; got [1]',
  ],
  [
    () => plotHistory(Promise.resolve({ loss: [1] }) as never),
    'plotHistory: history is a promise; await it: plotHistory(await model.fit(x, y))',
  ],
  [
    () => plotHistory({ loss: ['a'] as never }),
    'plotHistory: history.loss must be a list of numbers; got ["a"]',
  ],
  [
    () => plotHistory({ loss: [1] }, { logs: ['acc'] }),
    'plotHistory: logs: there is no log acc. Known: loss',
  ],
  [
    () => plotConfusion([[1, 2]]),
    'plotConfusion: matrix must be a square matrix, as confusionMatrix gives; got [[1,2]]',
  ],
  [
    () => plotConfusion([[1]], { labels: [] }),
    'plotConfusion: labels: expected 1 names, one for each class; got 0',
  ],
  [
    () => plotImages([1, 2] as never),
    'plotImages: pictures: expected shape [n, height, width], [n, height, width, 1] or [height, width]; got [2]',
  ],
  [() => plotHistogram([]), 'plotHistogram: values must be numbers; got []'],
  [() => plotHistogram([NaN]), 'plotHistogram: values must hold a finite number; got none of 1'],
  [
    () => livePlot(null as never),
    'livePlot: element must be an element of the page (is it there before the script runs?); got null',
  ],
  [() => progress(), "progress: there is no page here; progress from 'lanegrad/node' is for terminals"],
])('bad input %#', (call, message) => {
  refused(message, call)
})

test('a history of 130,000 epochs is drawn, and more bins than pixels are refused', () => {
  const loss = Array.from({ length: 130_000 }, (_, i) => 1 / (1 + i))
  expect(plotHistory({ loss })).toContain('over 130000 epochs')
  refused('plotHistogram: bins must be at most 1000; got 1001', () => plotHistogram([1], { bins: 1001 }))
})
