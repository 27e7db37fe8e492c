// What messages go through, the same way in a browser and in Node. Enters: a worker, its global or a port, and a
// listener. Leaves: data, or the event itself where it is no message.

/** A browser's Worker, one of node:worker_threads, or a MessagePort: anything messages go through. */
export interface MessageTarget {
  /** `transfer` is a list of buffers and ports, of a type that differs from runtime to runtime. */
  postMessage(message: unknown, transfer: never): void
  /** As ports and workers of the web have it. */
  addEventListener?(type: string, listener: never): void
  /** As ports and workers of the web have it. */
  removeEventListener?(type: string, listener: never): void
  /** Of Node's. */
  on?(type: string, listener: never): unknown
  /** As Node's have it. */
  off?(type: string, listener: never): unknown
  /** Of a MessagePort. */
  start?(): void
}

/** A browser's Worker, one of node:worker_threads, or a SharedWorker's port. */
export interface WorkerLike extends MessageTarget {
  /** Ends the thread. */
  terminate?(): unknown
}

/** `moved`: buffers and ports that go along. */
export function send(target: MessageTarget, message: unknown, moved: Iterable<object> = []): void {
  target.postMessage(message, [...moved] as never)
}

/** Calls `handle` with the data of every message, or with the event of any other type; gives what ends that. */
export function listen(target: MessageTarget, type: string, handle: (data: never) => void): () => void {
  if (target.addEventListener) {
    const listener = (event: object) =>
      handle((type === 'message' ? (event as MessageEvent).data : event) as never)
    target.addEventListener(type, listener as never)
    return () => target.removeEventListener?.(type, listener as never)
  }
  target.on?.(type, handle as never)
  return () => target.off?.(type, handle as never)
}
