// The worker's side: holds models of the page and runs its calls. Enters: messages. Leaves: results, and calls of the page's
// callbacks on the way. A call starts when its message comes; while `fit` trains, it comes in one of the turns that `fit` gives
// the event loop every few milliseconds. Each model has a port of its own.

import { classWeights } from '../feed/class-weight.ts'
import type { Progress } from '../feed/progress.ts'
import { type LoadOptions, load } from '../model/create.ts'
import { loadWeights } from '../model/loading.ts'
import type { Callback, FitParams, Model } from '../model/model.ts'
import { remadeOptimizer } from '../model/remake.ts'
import { messageOf } from '../numerics/brands.ts'
import type { ByteSource } from '../numerics/bytes.ts'
import { check, checkOptions, fail, isRecord } from '../numerics/errors.ts'
import { builtin, now } from '../numerics/host.ts'
import { Stop } from '../rows/stop.ts'
import type { GraphLoss } from '../training/graph-loss.ts'
import type { Loss } from '../training/loss.ts'
import type { MetricLike } from '../training/metrics.ts'
import {
  type CallOptions,
  type Effect,
  failureOf,
  type Greeting,
  type Opening,
  packed,
  Relayed,
  type RemoteBatches,
  runtimeOf,
  SHOW,
  type ToPage,
  type ToWorker,
  unpacked,
} from './messages.ts'
import { restore, type Snapshot, snapshot } from './state.ts'
import { listen, type MessageTarget, send } from './target.ts'

/** Options of `serveModels`. */
export interface ServeOptions {
  /** Your own kinds of layers (customLayer) that the models hold. */
  readonly layers?: LoadOptions['layers']
  /** Your own losses (customLoss, graphLoss) that the models are compiled with. */
  readonly losses?: readonly (Loss | GraphLoss)[]
  /** Your own metrics (objects of functions), which the page refers to by name. */
  readonly metrics?: readonly Exclude<MetricLike, string>[]
  /** The port of the page's messages. Default: the worker's own global. */
  readonly port?: MessageTarget
}

/** The least time between two states that go to the page at ends of epochs, so that little is lost with a worker. */
const STATE_MS = 1000

/** The least time between two messages that tell how far a call is. */
const SHOW_MS = 50

function ownPort(): MessageTarget {
  const scope = globalThis as unknown as Partial<MessageTarget> & { readonly document?: unknown }
  const threads = builtin<{ readonly parentPort?: MessageTarget | null }>('node:worker_threads')
  if (threads?.parentPort) return threads.parentPort
  if (scope.document === undefined && scope.postMessage && scope.addEventListener)
    return scope as MessageTarget
  return fail(
    'serveModels: expected the script of a Worker, or the option port; ' +
      'in a SharedWorker: onconnect = ({ ports }) => serveModels({ port: ports[0] })',
  )
}

/**
 * Serves models that pages copy into this worker (`workerModel`). A worker's script needs nothing else:
 *
 *     import { serveModels } from 'lanegrad/worker'
 *     serveModels()
 *
 * @throws LanegradError outside of a worker, or on an unknown or bad option
 * @example
 * ```js
 * import { auc, customLayer, dense, sequential } from 'lanegrad'
 * import { serveModels, workerModel } from 'lanegrad/worker'
 *
 * const half = customLayer({ kind: 'half', build: ({ g }, [x]) => g.scale(x, 0.5) })
 *
 * // in place of a worker's own global
 * const { port1: worker, port2: port } = new MessageChannel()
 * serveModels({ port, layers: [half] })
 *
 * const net = sequential({ inputShape: [1], layers: [half(), dense({ units: 1, activation: 'sigmoid' })] })
 * net.compile({ loss: 'binaryCrossentropy', metrics: [auc()] })
 * const remote = await workerModel(net, { worker })
 * const logs = await remote.evaluate([[0], [1]], [0, 1])
 * console.log(Object.keys(logs)) // [ 'loss', 'auc' ]
 * await remote.close()
 * worker.close()
 * ```
 */
export function serveModels(options: ServeOptions = {}): void {
  checkOptions('serveModels', options, ['layers', 'losses', 'metrics', 'port'])
  const { losses = [], metrics = [], port = ownPort() } = options
  for (const [name, list] of Object.entries({ losses, metrics })) {
    const isList = Array.isArray(list) && list.every((one) => typeof one === 'object' && one !== null)
    check(isList, `serveModels: ${name}`, 'a list of objects', list)
  }
  const announce = () => send(port, { lanegrad: 'ready' } satisfies Greeting)
  listen(port, 'message', (message: Greeting | null | undefined) => {
    if (message?.lanegrad === 'hello') announce()
    if (message?.lanegrad === 'open') new Served(message, { ...options, losses, metrics })
  })
  port.start?.()
  announce()
}

interface Known {
  readonly layers?: LoadOptions['layers']
  readonly losses: readonly (Loss | GraphLoss)[]
  readonly metrics: readonly Exclude<MetricLike, string>[]
}

/** A call that runs. */
interface Running {
  readonly abort: Stop
  /** The parameters of a `fit` that has begun training. */
  params: FitParams | null
  /** The page's hooks that aren't awaited yet, their number, and the error that one of them threw. */
  told: Promise<unknown>
  untold: number
  failure: unknown
}

interface Asked {
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** One model and its port. */
class Served {
  private readonly port: MessagePort
  private readonly known: Known
  private readonly model!: Model
  private readonly running = new Map<number, Running>()
  private readonly asked = new Map<number, Asked>()
  private asks = 0
  private release: () => void = () => {}
  /** Whether the weights may differ from those of the page. */
  private isChanged = true
  private sentMs = now()
  private isClosed = false

  constructor({ port, bytes, runtime, training, state, lock }: Opening, known: Known) {
    this.port = port
    this.known = known
    try {
      this.model = load(bytes, { layers: known.layers, compile: false, ...runtimeOf(runtime) })
      if (training) this.model.compile(this.compileOptions(training))
      restore(this.model, state)
      this.model.session.tell = (text) => this.post({ type: 'warning', text })
      listen(port, 'message', (message: ToWorker) => this.take(message))
      listen(port, 'messageerror', () => this.post({ type: 'unread' }))
      port.start()
      const opened = () => this.post({ type: 'opened' })
      if (lock === null) opened()
      else
        navigator.locks.request(lock, () => {
          opened()
          return new Promise<void>((resolve) => {
            this.release = resolve
          })
        })
    } catch (error) {
      this.post({ type: 'error', id: 0, error: failureOf(error), state: null })
    }
  }

  private post(message: ToPage): void {
    if (this.isClosed) return
    const moved = new Set<object>()
    // every result of a model is a copy made for its caller, so its buffers can move
    const sent = packed(message, moved, true)
    try {
      send(this.port, sent, moved)
    } catch (error) {
      if (!('id' in message)) throw error
      const { id } = message
      send(this.port, {
        type: 'error',
        id,
        error: { message: messageOf(error) },
        state: null,
      } satisfies ToPage)
    }
  }

  private take(message: ToWorker): void {
    if (message.type === 'call') this.call(message.id, message.method, message.args, message.options)
    else if (message.type === 'abort') this.running.get(message.id)?.abort.abort()
    else if (message.type === 'effect') this.act(this.running.get(message.id), message.effect)
    else if (message.type === 'answer') {
      const asked = this.asked.get(message.id)
      this.asked.delete(message.id)
      if (message.thrown === undefined) asked?.resolve(message.value)
      else asked?.reject(new Relayed(message.thrown))
    } else {
      for (const { abort } of this.running.values()) abort.abort()
      this.isClosed = true
      this.release()
      this.port.close()
      this.model.dispose()
    }
  }

  private act(run: Running | undefined, { stop, learningRate, weights, resetStates }: Effect): void {
    if (!run) return
    if (weights) this.model.setWeights(weights)
    if (resetStates) this.model.resetStates()
    if (learningRate !== undefined) this.model.learningRate = learningRate
    if (stop !== undefined) run.params?.stop(stop)
  }

  private async call(id: number, method: string, args: readonly unknown[], options: CallOptions) {
    const told = Promise.resolve()
    const run: Running = { abort: new Stop(), params: null, told, untold: 0, failure: null }
    if (options.aborted) run.abort.abort()
    this.running.set(id, run)
    const isFit = method === 'fit'
    const newState = () => (isFit && !this.isClosed ? this.takeState() : null)
    try {
      const given = args.map((arg) => this.received(id, arg))
      if (isFit)
        given[given.length - 1] = {
          ...(given.at(-1) as object),
          signal: run.abort,
          callbacks: [this.hooks(id, run, options)],
        }
      if (options.isShown)
        given[given.length - 1] = { ...(given.at(-1) as object), verbose: this.progress(id, run) }
      const value = await this.perform(method, given)
      await run.told
      if (run.failure) throw run.failure
      this.post({ type: 'result', id, value, state: newState() })
    } catch (error) {
      if (this.isClosed) return // it was closed meanwhile
      this.post({ type: 'error', id, error: failureOf(error), state: newState() })
    }
    this.running.delete(id)
  }

  /** As they were on the page. */
  private compileOptions(sent: unknown): Parameters<Model['compile']>[0] {
    const options = unpacked(sent, this.known)
    if (!isRecord(options) || !isRecord(options.optimizer)) return options as never
    return { ...options, optimizer: remadeOptimizer(options.optimizer) } as never
  }

  private perform(method: string, args: readonly unknown[]): unknown {
    const { model } = this
    this.isChanged = true
    if (method === 'state') return snapshot(model)
    if (method === 'setLearningRate') {
      model.learningRate = args[0] as number
      return undefined
    }
    if (method === 'loadWeights') return loadWeights(model, args[0] as ByteSource)
    const given = method === 'compile' ? [this.compileOptions(args[0])] : args
    const value = (model as unknown as Record<string, (...args: readonly unknown[]) => unknown>)[method](
      ...given,
    )
    return value === model ? undefined : value
  }

  private takeState(): Snapshot | null {
    if (!this.isChanged) return null
    this.isChanged = false
    this.sentMs = now()
    return snapshot(this.model)
  }

  private ask(id: number, hook: string, args: readonly unknown[], state: Snapshot | null): Promise<unknown> {
    const ask = ++this.asks
    const { training } = this.model.session
    const rate = training ? this.model.learningRate : 0
    this.post({ type: 'ask', id, ask, hook, args, rate, state })
    return new Promise((resolve, reject) => this.asked.set(ask, { resolve, reject }))
  }

  /** Tells the page how far the call is, now and then, and every end. */
  private progress(id: number, run: Running): Progress {
    let toldMs = -Infinity
    return {
      show: (what, done, total, logs, isEnd = false) => {
        if (!isEnd && now() - toldMs < SHOW_MS) return
        toldMs = now()
        const told = this.ask(id, SHOW, [what, done, total, logs, isEnd], null).catch((error) => {
          run.failure ??= error
        })
        run.told = run.told.then(() => told)
      },
    }
  }

  /** Callbacks that forward to the page: hooks of epochs are awaited; those of batches are called now and then, or all awaited. */
  private hooks(id: number, run: Running, { hooks, progressMs }: CallOptions): Callback {
    let toldMs = -Infinity
    let isTold = false // whether the page's hooks are called for this batch
    const forward = async (hook: keyof Callback, ...args: readonly unknown[]): Promise<void> => {
      if (run.failure) throw run.failure
      if (hooks.includes(hook)) await this.ask(id, hook, args, this.takeState())
    }
    const batch = (hook: keyof Callback, ...args: readonly unknown[]): Promise<unknown> | undefined => {
      if (!isTold || !hooks.includes(hook)) return undefined
      const asked = this.ask(id, hook, args, null)
      if (progressMs === 0) return asked
      run.untold++
      const told = asked.then(
        () => run.untold--,
        (error) => {
          run.failure ??= error
          run.abort.abort() // training may wait for a batch that never comes
        },
      )
      run.told = run.told.then(() => told)
      return undefined
    }
    return {
      onTrainBegin: (params) => {
        run.params = params
        const { model: _, stop: __, learningRate: ___, ...numbers } = params
        return forward('onTrainBegin', numbers)
      },
      onEpochBegin: (epoch) => forward('onEpochBegin', epoch),
      onBatchBegin: (index) => {
        if (run.failure) throw run.failure
        this.isChanged = true
        const nowMs = now()
        isTold = run.untold === 0 && nowMs - toldMs >= progressMs
        if (isTold) toldMs = nowMs
        return batch('onBatchBegin', index) as Promise<void> | undefined
      },
      ...(hooks.includes('onBatchEnd') && {
        onBatchEnd: (index, logs) => batch('onBatchEnd', index, logs) as Promise<void> | undefined,
      }),
      onTestBegin: () => forward('onTestBegin'),
      onTestEnd: (logs) => forward('onTestEnd', logs),
      onEpochEnd: async (epoch, logs) => {
        await forward('onEpochEnd', epoch, logs)
        if (now() - this.sentMs < STATE_MS) return
        const state = this.takeState()
        if (state) this.post({ type: 'state', state })
      },
      onTrainEnd: (logs, reason) => forward('onTrainEnd', logs, reason),
    }
  }

  /** An argument as the model takes it: the description of the page's batches becomes an iterable of them. */
  private received(id: number, arg: unknown): unknown {
    if (!isRecord(arg) || ArrayBuffer.isView(arg)) return arg
    if (!('batchesOnPage' in arg)) {
      const { validationData: held, classWeight: own } = arg
      return {
        ...arg,
        ...('validationData' in arg && { validationData: this.received(id, held) }),
        ...(isRecord(own) &&
          own.kind === 'classWeights' && { classWeight: classWeights(own.weights as never) }),
      }
    }
    const { batchesOnPage, form, steps } = arg as unknown as RemoteBatches
    const openIterator = (): AsyncIterableIterator<unknown> => {
      const iterator = ++this.asks
      const pull = (hook: string) =>
        this.ask(id, hook, [batchesOnPage, iterator], null) as Promise<IteratorResult<unknown>>
      return {
        next: () => pull('next'),
        return: () => pull('return'),
        [Symbol.asyncIterator]() {
          return this
        },
      }
    }
    if (form === 'function') return openIterator
    return form === 'once' ? openIterator() : { [Symbol.asyncIterator]: openIterator, steps }
  }
}
