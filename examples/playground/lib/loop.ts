// Training beside a page that stays alive: one animation frame, a few milliseconds of work, then the picture. Counts the
// frames of the last second, so that the page can show what it costs.

/** Of a frame at 60 a second, what training may take; the rest is for drawing and the visitor. */
const BUDGET_MS = 8
/** Where drawing is slow, so that frames are late already. */
const SMALL_BUDGET_MS = 5

export class Loop {
  private handle = 0
  private stamps: number[] = []
  private readonly frame: (hasTime: () => boolean, now: number) => void

  /** `frame` works while `hasTime()`; where it throws, the loop ends. */
  constructor(frame: (hasTime: () => boolean, now: number) => void) {
    this.frame = frame
  }

  get isRunning(): boolean {
    return this.handle !== 0
  }

  start(): void {
    if (this.handle) return
    this.stamps = []
    const tick = (now: number) => {
      this.handle = requestAnimationFrame(tick)
      this.stamps.push(now)
      while (now - this.stamps[0] > 1000) this.stamps.shift()
      const isLate = this.stamps.length > 10 && this.rate < 55
      const end = performance.now() + (isLate ? SMALL_BUDGET_MS : BUDGET_MS)
      try {
        this.frame(() => performance.now() < end, now)
      } catch (error) {
        this.stop()
        throw error
      }
    }
    this.handle = requestAnimationFrame(tick)
  }

  stop(): void {
    cancelAnimationFrame(this.handle)
    this.handle = 0
  }

  /** Frames a second, over the last second. */
  get rate(): number {
    const { stamps } = this
    const span = stamps[stamps.length - 1] - stamps[0]
    return span > 0 ? ((stamps.length - 1) * 1000) / span : 0
  }
}
