// A Worker that learns: a small network, trained beforehand, gets a new head in a request and learns what the request's
// samples show. Runs on Cloudflare's free plan: nothing is compiled, no file is read, no service is bound.
//
// In:  POST /train, POST /predict (requests.ts says what they carry). Out: JSON. What was learned is kept in this
//      isolate and is also given to the client, since the next request may meet another isolate.

import baseBytes from 'base.safetensors'
import {
  adam,
  dense,
  LanegradError,
  load,
  loadWeights,
  type Model,
  type NamedArray,
  transfer,
} from 'lanegrad'
import { RequestError, readQuestion, readTraining } from './requests.ts'

const FEATURES = ['beak length (mm)', 'beak depth (mm)', 'flipper length (mm)', 'body mass (g)']

const HELP = `A network that knows penguins and learns what you tell it about them.

  POST /train    { "samples": [{ "x": [39.1, 18.7, 181, 3750], "label": "male" }, ...], "epochs": 20 }
  POST /predict  { "x": [[39.1, 18.7, 181, 3750], ...] }

x: ${FEATURES.join(', ')}. /train answers with "model" and "labels"; sent along to /predict they are used
instead of what was learned last. The program: examples/edge of lanegrad.
`

// once per isolate, when it starts
const base = load(new Uint8Array(baseBytes)) as Model

interface Learned {
  readonly model: Model
  readonly labels: readonly string[]
}
let learned: Learned | null = null

/** The base with a new head. No request brings a network of its own: this is the only one that is ever computed. */
const withHead = (labels: readonly string[]): Model =>
  transfer(base, {
    output: 'hidden',
    head: [dense({ units: labels.length, activation: 'softmax' })],
    trainable: true,
  })

async function train(request: Request): Promise<object> {
  const { x, y, labels, epochs } = await readTraining(request, FEATURES)
  const model = withHead(labels)
  model.compile({
    optimizer: adam({ learningRate: 0.01 }),
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['accuracy'],
  })
  const { loss, accuracy } = await model.fit(x, Int32Array.from(y), { epochs, batchSize: 16 })
  learned?.model.dispose()
  learned = { model, labels }
  const file = btoa(String.fromCharCode(...model.save()))
  return { samples: x.length, labels, loss: loss.at(-1), accuracy: accuracy.at(-1), model: file }
}

function answers({ model, labels }: Learned, x: number[][]): object {
  const { data } = model.predict(x) as NamedArray
  const count = labels.length
  if (!data.every(Number.isFinite))
    throw new RequestError(422, 'the model answers NaN: its weights or x are too large')
  const predictions = x.map((_, row) => {
    const probabilities = data.subarray(row * count, (row + 1) * count)
    const probability = Math.max(...probabilities)
    return { label: labels[probabilities.indexOf(probability)], probability }
  })
  return { predictions }
}

async function predict(request: Request): Promise<object> {
  const { x, kept } = await readQuestion(request, FEATURES)
  if (!kept) {
    if (!learned) throw new RequestError(409, 'nothing learned here yet: POST /train first')
    return answers(learned, x)
  }
  const model = withHead(kept.labels)
  try {
    loadWeights(model, kept.model)
    for (const [name, { data }] of Object.entries(model.getWeights()))
      if (!data.every(Number.isFinite))
        throw new RequestError(422, `model: ${name} holds what is no finite number`)
    return answers({ model, labels: kept.labels }, x)
  } finally {
    model.dispose()
  }
}

const routes: Readonly<Record<string, (request: Request) => Promise<object>>> = {
  '/train': train,
  '/predict': predict,
}

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    if (pathname === '/') return new Response(HELP)
    const route = routes[pathname]
    if (!route) return Response.json({ error: `no ${pathname}: GET / explains` }, { status: 404 })
    if (request.method !== 'POST')
      return Response.json({ error: 'expected POST' }, { status: 405, headers: { allow: 'POST' } })
    try {
      return Response.json(await route(request))
    } catch (error) {
      if (error instanceof RequestError)
        return Response.json({ error: error.message }, { status: error.status })
      // the library's messages are about what was sent
      if (error instanceof LanegradError) return Response.json({ error: error.message }, { status: 400 })
      throw error
    }
  },
}
