// Teaching, away from the page's thread. Enters: a Call. Leaves: its Reply, and notes on the way.
import type { Call, Reply } from './protocol.ts'
import { Teacher } from './teacher.ts'

const scope = self as unknown as {
  onmessage: ((event: MessageEvent<Call>) => void) | null
  postMessage(reply: Reply): void
}

const teacher = new Teacher((note) => scope.postMessage({ note }))

async function answer({ id, method, args }: Call): Promise<void> {
  try {
    const own = teacher[method] as (...given: readonly unknown[]) => unknown
    scope.postMessage({ id, value: await own.call(teacher, ...args) })
  } catch (error) {
    scope.postMessage({ id, problem: error instanceof Error ? error.message : String(error) })
  }
}

let last = Promise.resolve()
scope.onmessage = ({ data }) => {
  last = last.then(() => answer(data))
}
