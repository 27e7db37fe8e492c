// The page's end of the worker. Calls are promises; a call that the worker can't fulfil rejects with its words. The worker
// is made with the first call, and ended by `end`.
import type { Call, Calls, Reply } from './protocol.ts'

interface Waiting {
  resolve(value: never): void
  reject(error: Error): void
}

/** Said to calls that were waiting when everything was ended. */
export class Ended extends Error {}

export class Client {
  private worker: Worker | null = null
  private lastId = 0
  private waiting = new Map<number, Waiting>()
  private readonly onNote: (note: string) => void

  constructor(onNote: (note: string) => void) {
    this.onNote = onNote
  }

  private open(): Worker {
    const worker = new Worker('teach.js', { type: 'module' })
    worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      if ('note' in data) return this.onNote(data.note)
      const { resolve, reject } = this.waiting.get(data.id) ?? {}
      this.waiting.delete(data.id)
      if ('problem' in data) reject?.(new Error(data.problem))
      else resolve?.(data.value as never)
    }
    // it couldn't be fetched, or its engine failed
    worker.onerror = ({ message }) =>
      this.end(new Error(`The worker can’t run here${message ? `: ${message}` : ''}`))
    return worker
  }

  call<M extends keyof Calls>(method: M, ...args: Parameters<Calls[M]>): Promise<ReturnType<Calls[M]>> {
    this.worker ??= this.open()
    const id = ++this.lastId
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject })
      const call: Call = { id, method, args }
      this.worker?.postMessage(call)
    })
  }

  /** Stops whatever runs; what the worker held is gone. */
  end(reason: Error = new Ended('stopped')): void {
    this.worker?.terminate()
    this.worker = null
    const { waiting } = this
    this.waiting = new Map()
    for (const { reject } of waiting.values()) reject(reason)
  }
}
