// Sends and receives messages in the same way in a browser and in Node. Enters: a worker, its global or a port, and a listener.
// Leaves: the data of messages, or the event itself if it isn't a message.

/** An end of a channel of messages: a browser's Worker, one of node:worker_threads, or a MessagePort. */
export interface MessageTarget {
  /** `transfer` is a list of buffers and ports, of a type that differs from runtime to runtime. */
  postMessage(message: unknown, transfer: never): void
  /** As ports and workers of the web have it. */
  addEventListener?(type: string, listener: never): void
  /** As ports and workers of the web have it. */
  removeEventListener?(type: string, listener: never): void
  /** As workers and ports of Node have it. */
  on?(type: string, listener: never): unknown
  /** As workers and ports of Node have it. */
  off?(type: string, listener: never): unknown
  /** As a MessagePort has it. */
  start?(): void
}

/** A browser's Worker, one of node:worker_threads, or a SharedWorker's port. */
export interface WorkerLike extends MessageTarget {
  /** Ends the thread. */
  terminate?(): unknown
}

/** Sends a message; `moved`: the buffers and ports to transfer. */
export function send(target: MessageTarget, message: unknown, moved: Iterable<object> = []): void {
  target.postMessage(message, [...moved] as never)
}

type Handle = (data: never) => void

interface Heard {
  readonly handles: Set<Handle>
  readonly tell: Handle
}

/** One listener for each type of event of a target: Node warns of more than ten, and a worker may hold more models. */
const heard = /*#__PURE__*/ new WeakMap<object, Map<string, Heard>>()

/** Calls `handle` with the data of every message, or with every event of another type; returns a function that ends that. */
export function listen(target: MessageTarget, type: string, handle: Handle): () => void {
  if (target.addEventListener) {
    const listener = (event: object) =>
      handle((type === 'message' ? (event as MessageEvent).data : event) as never)
    target.addEventListener(type, listener as never)
    return () => target.removeEventListener?.(type, listener as never)
  }
  const types = heard.get(target) ?? new Map<string, Heard>()
  heard.set(target, types)
  let all = types.get(type)
  if (!all) {
    const handles = new Set<Handle>()
    const tell = (data: never) => {
      for (const one of [...handles]) one(data)
    }
    all = { handles, tell }
    types.set(type, all)
    target.on?.(type, tell as never)
  }
  const { handles, tell } = all
  handles.add(handle)
  return () => {
    handles.delete(handle)
    if (handles.size > 0 || types.get(type) !== all) return
    types.delete(type)
    target.off?.(type, tell as never)
  }
}
