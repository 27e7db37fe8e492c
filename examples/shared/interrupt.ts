// Ctrl-C as a wish to stop training: the first one aborts a signal, a later one ends the process.
//
// In:  what to tidy before ending. Out: the signal, and `release` for when training is over.
// Until the first Ctrl-C nothing but a listener exists; after `release` Ctrl-C does what it always does.

export interface Interrupt {
  signal: AbortSignal
  release(): void
}

// npm passes the terminal's SIGINT on to its child, so one key press may arrive twice.
const ONE_PRESS_MS = 300

const EXIT_CODE = 130 // 128 + SIGINT, as shells report it

export function abortOnCtrlC(beforeExit: () => void): Interrupt {
  const controller = new AbortController()
  let pressedAt = 0
  const onPress = () => {
    if (!controller.signal.aborted) {
      pressedAt = performance.now()
      controller.abort()
    } else if (performance.now() - pressedAt > ONE_PRESS_MS) {
      beforeExit()
      process.exit(EXIT_CODE)
    }
  }
  process.on('SIGINT', onPress)
  return {
    signal: controller.signal,
    release() {
      // once pressed it stays: the echo of that press must not end the process
      if (!controller.signal.aborted) process.off('SIGINT', onPress)
    },
  }
}
