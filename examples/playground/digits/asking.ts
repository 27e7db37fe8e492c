// Asking the network about a digit. Enters: what is drawn on the pad or picked from the test digits, and the network as it
// is. Leaves: how likely it holds each digit to be, the digit it reads, and what its hidden layers put out.
import { HeatImage, palette } from '../lib/colors.ts'
import { button, h, Picture, percent } from '../lib/dom.ts'
import { type Images, PIXELS } from './data.ts'
import { type Answer, largest, type Network } from './network.ts'
import { greyImage, Pad } from './pad.ts'

export type Asking = ReturnType<typeof makeAsking>

export function makeAsking() {
  let network: Network | null = null
  let answer: Answer | null = null
  let test: Images | null = null

  const pad = new Pad(() => ask())
  const bars = Array.from({ length: 10 }, (_, digit) => {
    const fill = h('i', {})
    const text = h('span', { class: 'num' }, '–')
    const name = h('span', {}, String(digit))
    return { fill, text, name }
  })
  const verdict = h('p', { 'data-figure': 'verdict' })
  const activity = new Picture('Activations of the hidden layers', 'activations', (picture) => {
    const { context, width, height } = picture
    const layers = answer?.hidden ?? []
    const each = height / Math.max(1, layers.length)
    layers.forEach((values, row) => {
      const most = values.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-6)
      const heat = new HeatImage(values.length, 1)
      heat.set(values, 0, 1, 1 / most)
      context.imageSmoothingEnabled = false
      context.drawImage(heat.canvas, 0, row * each, width, each - 3)
    })
    if (layers.length === 0) {
      context.fillStyle = palette.muted
      context.font = '13px system-ui, sans-serif'
      context.fillText('nothing to see before a digit is drawn', 0, 20)
    }
  })

  function ask(): void {
    const image = network && pad.digit()
    answer = image && network ? network.ask(image) : null
    const best = answer ? largest(answer.probabilities) : -1
    bars.forEach(({ fill, text, name }, digit) => {
      const share = answer?.probabilities[digit]
      fill.style.transform = `scaleX(${share ?? 0})`
      text.textContent = share === undefined ? '–' : percent(share)
      name.classList.toggle('best', digit === best)
      text.classList.toggle('best', digit === best)
    })
    verdict.textContent = answer
      ? `The network reads a ${best} (${percent(answer.probabilities[best])} sure).`
      : 'Draw a digit, or pick one below.'
    activity.redraw()
  }

  const samples = h('div', { class: 'samples' })
  let sampleAt = 0
  function showSamples(): void {
    if (!test) return
    const { count, pixels: all, labels } = test
    samples.replaceChildren(
      ...Array.from({ length: 10 }, (_, i) => {
        const index = (sampleAt + i) % count
        const pixels = all.subarray(index * PIXELS, (index + 1) * PIXELS)
        const element = button('', () => {
          pad.put(pixels)
          ask()
        })
        element.setAttribute('aria-label', `Put this test digit, a ${labels[index]}, on the field`)
        element.append(greyImage(pixels))
        return element
      }),
    )
  }
  const more = button(
    'Other digits',
    () => {
      sampleAt += 10
      showSamples()
    },
    { class: 'quiet' },
  )
  const clear = button('Clear', () => {
    pad.clear()
    ask()
  })

  return {
    pad: pad.element,
    buttons: [clear, more],
    samples,
    verdict,
    bars: h(
      'div',
      { class: 'bars' },
      ...bars.flatMap(({ fill, text, name }) => [name, h('div', { class: 'track' }, fill), text]),
    ),
    activity: activity.canvas,
    /** Digits to pick from. */
    offer(images: Images) {
      test = images
      showSamples()
    },
    /** Another network. */
    use(made: Network) {
      network = made
      ask()
    },
    /** The network has learned since. */
    askAgain() {
      if (answer) ask()
    },
    repaint() {
      activity.redraw()
    },
  }
}
