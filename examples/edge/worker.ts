// A Worker that learns: a small network, trained and frozen beforehand (base.ts), learns what a request's samples show. Runs
// on Cloudflare's free plan: nothing is compiled or planned, no file is read, no service is bound.
//
// In:  requests (serve.ts). Out: JSON. A frozen file is code, so no client ever sends one: clients get and send the weights
//      alone, one number after another.

import frozenBytes from 'base.safetensors'
import core from 'base.wasm'
import { extras } from 'lanegrad/run/modules'
import { fit, open, type Trainer } from 'lanegrad/slim/run'
import { RequestError } from './requests.ts'
import { checkFinite, type Net, workerOf } from './serve.ts'

const file = new Uint8Array(frozenBytes)

/** The head has room for more labels than there are: those behind never occur, and don't count. */
const netOf = (trainer: Trainer, labels: readonly string[]): Net => ({
  predict(x) {
    const { data } = trainer.predict(x) as { data: Float32Array }
    const columns = data.length / x.length
    return Float32Array.from(
      x.flatMap((_, row) => {
        const own = [...data.subarray(row * columns, row * columns + labels.length)]
        const sum = own.reduce((a, b) => a + b, 0)
        return own.map((probability) => probability / sum)
      }),
    )
  },
  dispose: () => trainer.dispose(),
})

function weightsOf(trainer: Trainer): Uint8Array {
  const all = Object.values(trainer.getWeights()).flatMap(({ data }) => [...data])
  return new Uint8Array(Float32Array.from(all).buffer)
}

function setWeights(trainer: Trainer, bytes: Uint8Array): void {
  const weights = Object.entries(trainer.getWeights())
  const count = weights.reduce((sum, [, { data }]) => sum + data.length, 0)
  if (bytes.length !== 4 * count)
    throw new RequestError(400, `model: expected ${4 * count} bytes, as /train answered; got ${bytes.length}`)
  const all = new Float32Array(bytes.slice().buffer)
  let from = 0
  const given = weights.map(([name, { data, shape }]) => {
    const own = all.subarray(from, from + data.length)
    from += data.length
    checkFinite(name, own)
    return [name, { data: own, shape }] as const
  })
  trainer.setWeights(Object.fromEntries(given))
}

export default workerOf({
  async learn({ x, y, labels, epochs }) {
    const trainer = open(file, { core, modules: [extras] })
    const { loss, accuracy } = await fit(trainer, x, Int32Array.from(y), { epochs })
    return {
      net: netOf(trainer, labels),
      loss: loss[epochs - 1],
      accuracy: accuracy[epochs - 1],
      file: weightsOf(trainer),
    }
  },

  restore(weights, labels) {
    const trainer = open(file, { core, modules: [extras] })
    setWeights(trainer, weights)
    return netOf(trainer, labels)
  },
})
