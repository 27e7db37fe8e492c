// Ends what waits. As much of an AbortController and its signal as that needs: not every runtime has them.

/** An AbortSignal, or a `Stop`. */
export interface StopSignal {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

export class Stop implements StopSignal {
  aborted = false
  private readonly listeners = new Set<() => void>()

  abort(): void {
    this.aborted = true
    for (const listener of this.listeners) listener()
  }

  addEventListener(_: 'abort', listener: () => void): void {
    this.listeners.add(listener)
  }

  removeEventListener(_: 'abort', listener: () => void): void {
    this.listeners.delete(listener)
  }
}
