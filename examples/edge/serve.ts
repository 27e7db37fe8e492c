// The HTTP half of both Workers: requests in, JSON out. What was learned is kept in this isolate and is also given to the
// client, since the next request may meet another isolate.
//
// In:  POST /train, POST /predict (requests.ts says what they carry), and a Learner. Out: what a Worker exports.

import { RequestError, readQuestion, readTraining, type Training } from './requests.ts'

const FEATURES = ['beak length (mm)', 'beak depth (mm)', 'flipper length (mm)', 'body mass (g)']

const HELP = `A network that knows penguins and learns what you tell it about them.

  POST /train    { "samples": [{ "x": [39.1, 18.7, 181, 3750], "label": "male" }, ...], "epochs": 20 }
  POST /predict  { "x": [[39.1, 18.7, 181, 3750], ...] }

x: ${FEATURES.join(', ')}. /train answers with "model" and "labels"; sent along to /predict they are used
instead of what was learned last. The program: examples/edge of lanegrad.
`

/** A network with a head for some labels. */
export interface Net {
  /** A probability for each label, row by row. */
  predict(x: number[][]): Float32Array
  dispose(): void
}

/** What the Workers differ in. */
export interface Learner {
  /** A net that has learned the samples; `file` is what `restore` makes it from. */
  learn(training: Training): Promise<{
    readonly net: Net
    readonly loss: number
    readonly accuracy: number
    readonly file: Uint8Array
  }>
  /** @throws RequestError or LanegradError on bytes that are no such file: they come from a stranger */
  restore(file: Uint8Array, labels: readonly string[]): Net
}

/** @throws RequestError where a number isn't finite */
export function checkFinite(name: string, data: Float32Array): void {
  if (!data.every(Number.isFinite))
    throw new RequestError(422, `model: ${name} holds what is no finite number`)
}

function answers(net: Net, labels: readonly string[], x: number[][]): object {
  const data = net.predict(x)
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

export function workerOf({ learn, restore }: Learner) {
  let learned: { readonly net: Net; readonly labels: readonly string[] } | null = null

  async function train(request: Request): Promise<object> {
    const training = await readTraining(request, FEATURES)
    const { net, file, loss, accuracy } = await learn(training)
    const { labels, x } = training
    learned?.net.dispose()
    learned = { net, labels }
    return { samples: x.length, labels, loss, accuracy, model: btoa(String.fromCharCode(...file)) }
  }

  async function predict(request: Request): Promise<object> {
    const { x, kept } = await readQuestion(request, FEATURES)
    if (!kept) {
      if (!learned) throw new RequestError(409, 'nothing learned here yet: POST /train first')
      return answers(learned.net, learned.labels, x)
    }
    const net = restore(kept.model, kept.labels)
    try {
      return answers(net, kept.labels, x)
    } finally {
      net.dispose()
    }
  }

  const routes: Readonly<Record<string, (request: Request) => Promise<object>>> = {
    '/train': train,
    '/predict': predict,
  }

  return {
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
        if (error instanceof Error && error.name === 'LanegradError')
          return Response.json({ error: error.message }, { status: 400 })
        throw error
      }
    },
  }
}
