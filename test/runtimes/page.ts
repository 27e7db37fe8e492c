// The suite in a page of server.ts. Enters: the cases it fetches. Leaves: the report, or what went wrong, posted back.
// The frame is the same library under a policy that forbids WebAssembly (forbidden.ts); it tells what it was told.
import { runSuite } from './suite.ts'

const post = (result: unknown): Promise<Response> =>
  fetch('/result', { method: 'POST', body: JSON.stringify(result) })

/** What the frame says, which it does in any case. */
function refused(): Promise<string> {
  return new Promise((resolve) => {
    addEventListener('message', ({ data }) => resolve(String(data)), { once: true })
    const frame = document.createElement('iframe')
    frame.src = '/forbidden.html'
    document.body.append(frame)
  })
}

try {
  const report = await runSuite(await (await fetch('/cases.json')).json())
  await post({ ...report, refusal: await refused() })
} catch (error) {
  await post({ error: String(error) })
}
