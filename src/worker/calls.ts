// The page's calls to a model in a worker, and what comes back of them. Enters: methods with their arguments; messages from the worker.
// Leaves: messages to it, and promises that settle. What can't be sent stays here and is asked for: batches, callbacks, errors. The
// page's model gets the worker's state whenever a message brings it.

import { HOOKS } from '../feed/callbacks.ts'
import { isBatches } from '../feed/given.ts'
import type { Progress } from '../feed/progress.ts'
import type { Callback, Model } from '../model/model.ts'
import type { PlannedSession } from '../network/planned.ts'
import { messageOf } from '../numerics/brands.ts'
import { check, fail, LanegradError, reading } from '../numerics/errors.ts'
import { tell } from '../session/warnings.ts'
import { Hooks } from './hooks.ts'
import { type CallOptions, type Failure, packed, type ToPage, type ToWorker } from './messages.ts'
import type { Transfer } from './options.ts'
import { restore, type Snapshot } from './state.ts'
import { send } from './target.ts'

interface Call {
  readonly method: string
  resolve(value: never): void
  reject(error: unknown): void
  readonly hooks: Hooks
}

/** Settings of a call that don't go to the worker as they are. */
export interface CallSettings extends Transfer {
  readonly signal?: AbortSignal | null
  readonly callbacks?: readonly Callback[]
  readonly verbose?: Progress | null
  readonly progressMs?: number
}

/** The calls of one model in a worker. */
export class Calls {
  private readonly local: Model
  private readonly session: PlannedSession
  private readonly port: MessagePort
  private readonly pending = new Map<number, Call>()
  private ids = 0
  /** Why there will be no more calls; null while there can be. */
  ended: string | null = null

  constructor(local: Model, port: MessagePort) {
    this.local = local
    this.session = local.session
    this.port = port
  }

  /** The number of calls under way. */
  get count(): number {
    return this.pending.size
  }

  /** Rejects all pending and future calls. */
  end(reason: string): void {
    if (this.ended !== null) return
    this.ended = reason
    this.port.close()
    this.drop(reason)
  }

  /** Rejects all pending calls. */
  drop(reason: string): void {
    for (const [id, { method, reject }] of this.pending) {
      this.post({ type: 'abort', id })
      reject(new LanegradError(`${method}: ${reason}`))
    }
    this.pending.clear()
  }

  /** A message from the worker. */
  take(message: ToPage): void {
    if (message.type === 'opened') return
    if (message.type === 'warning') {
      tell(this.session, message.text)
      return
    }
    if (message.type === 'unread') {
      this.drop("the worker can't read a message")
      return
    }
    if (message.state) this.follow(message.state)
    if (message.type === 'state') return
    const call = this.pending.get(message.id)
    if (!call) return
    const { hooks } = call
    if (message.type === 'ask') {
      const { ask } = message
      hooks
        .ask(message.hook, message.args, message.rate)
        .then((value) => this.post({ type: 'answer', id: ask, value }, `${call.method}: a batch`))
        .catch((error) => this.post({ type: 'answer', id: ask, thrown: hooks.keep(error) }))
      return
    }
    this.pending.delete(message.id)
    if (message.type === 'error') call.reject(this.errorOf(message.error, hooks))
    else call.resolve(message.value as never)
  }

  private errorOf(failure: Failure, hooks: Hooks): unknown {
    if ('thrown' in failure) return hooks.kept(failure.thrown)
    return 'message' in failure ? new LanegradError(failure.message) : failure.error
  }

  private follow(state: Snapshot): void {
    try {
      restore(this.local, state)
    } catch (error) {
      if (!(error instanceof LanegradError)) throw error // the page's model was disposed
    }
  }

  /** Sends a message. @throws LanegradError that begins with `what` if it can't be sent; then nothing has moved */
  post(message: ToWorker, what = '', moved: Iterable<object> = []): void {
    if (this.ended !== null) return
    try {
      send(this.port, message, moved)
    } catch (error) {
      fail(`${what} can't go to the worker: ${messageOf(error)}`)
    }
  }

  /** Starts a call; its values are copied, or moved where `transfer` says so. @throws LanegradError that begins with `method` */
  async call<T>(
    method: string,
    args: readonly unknown[],
    { transfer = false, signal = null, callbacks = [], verbose = null, progressMs = 0 }: CallSettings = {},
  ): Promise<T> {
    if (this.ended !== null) fail(`${method}: ${this.ended}`)
    const id = ++this.ids
    const effect = (given: object) => {
      const moved = new Set<object>()
      const sent = packed(given, moved, false) as object
      this.post({ type: 'effect', id, effect: sent }, `${method}: a callback's values`, moved)
    }
    const hooks = new Hooks(`${method}: `, this.local, callbacks, verbose, effect)
    const wanted = HOOKS.filter((hook) => callbacks.some((callback) => callback[hook]))
    const options: CallOptions = {
      hooks: wanted,
      isShown: verbose !== null,
      progressMs,
      aborted: signal?.aborted ?? false,
    }
    return new Promise<T>((resolve, reject) => {
      check(typeof transfer === 'boolean', `${method}: transfer`, 'a boolean', transfer)
      const moved = new Set<object>()
      const what = `${method}: its arguments`
      const sent = reading(what, () => args.map((arg) => packed(this.standIn(arg, hooks), moved, transfer)))
      this.post({ type: 'call', id, method, args: sent, options }, what, moved)
      const sendAbort = () => this.post({ type: 'abort', id })
      signal?.addEventListener('abort', sendAbort)
      const settled =
        <A>(settle: (value: A) => void) =>
        (value: A) => {
          signal?.removeEventListener('abort', sendAbort)
          settle(value)
        }
      this.pending.set(id, { method, resolve: settled(resolve), reject: settled(reject), hooks })
    })
  }

  /** The argument, or the description of batches, which stay here and are asked for. */
  private standIn(arg: unknown, hooks: Hooks): unknown {
    if (!Array.isArray(arg) && isBatches(this.session.feeds, arg)) return hooks.offer(arg)
    if (typeof arg !== 'object' || arg === null || !('validationData' in arg)) return arg
    return { ...arg, validationData: this.standIn(arg.validationData, hooks) }
  }
}
