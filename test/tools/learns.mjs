// The program that every tool bundles, transforms or runs: it makes, trains, saves and loads a net. Enters: options of
// the model, the way that its file takes. Leaves: one line with the bits of what the net predicts, the same in every
// tool; throws where the loss doesn't fall, or the loaded net or the frozen one isn't the trained one.
import { adam, dense, dropout, LanegradError, load, sequential } from 'lanegrad'
import { parseCsv } from 'lanegrad/data'
import { freeze } from 'lanegrad/freeze'
import { open } from 'lanegrad/run'
import { random } from 'lanegrad/run/modules'

const x = Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1)
const y = [[0], [1], [1], [0]]
const hex = ({ data }) =>
  Array.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')

function check(isTrue, what) {
  if (!isTrue) throw new Error(`not so: ${what}`)
}

export async function learns(options = {}, through = (bytes) => bytes) {
  const layers = [dense({ units: 16, activation: 'tanh' }), dropout({ rate: 0.1 }), dense({ units: 1 })]
  const model = sequential({ inputShape: [2], layers, seed: 5, ...options })
  model.compile({ optimizer: adam({ learningRate: 0.05 }), loss: 'meanSquaredError' })
  const { signal } = new AbortController()
  const { loss } = await model.fit(x, y, { epochs: 60, signal })
  async function* batches() {
    yield { x, y }
  }
  await model.fit(batches(), { epochs: 1 })
  check(loss.length === 60 && loss[59] < loss[0] / 2, `the loss falls (${loss[0]} to ${loss[59]})`)

  const file = model.save({ includeOptimizer: true })
  const bits = hex(model.predict(x))
  const loaded = load(await through(file))
  const copied = load(Uint8Array.from(file))
  check(hex(loaded.predict(x)) === bits, 'the loaded net predicts the same bits')
  check(hex(copied.predict(x)) === bits, 'the net of copied bytes predicts the same bits')
  const frozen = freeze(model, { train: [4], predict: [4], includeOptimizer: true })
  const trainer = open(await through(frozen), { modules: [random] })
  check(hex(trainer.predict(x)) === bits, 'the frozen net predicts the same bits')
  const [next, ...others] = [model, loaded, trainer].map((net) => net.trainStep(x, y).loss)
  check(
    others.every((loss) => loss === next),
    'the loaded net and the frozen one train on as the first does',
  )

  let error
  try {
    parseCsv(5)
  } catch (thrown) {
    error = thrown
  }
  check(error instanceof LanegradError, "a subpath's errors are the main file's")
  return `learnt ${bits}; ${model.variant}`
}
