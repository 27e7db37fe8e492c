// The local server of the pages. Enters: the staged folder. Leaves: its address, and the first result a page posts.
// Pages come under the strictest policy the library runs with, and may share memory with their workers; forbidden.html
// comes under a policy the library can't run with.
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

/** worker-src: for threads alone. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:"
const FORBIDDING_POLICY = "default-src 'self'; script-src 'self'"

const pages: Readonly<Record<string, readonly [script: string, policy: string]>> = {
  '/': ['page.js', POLICY],
  '/forbidden.html': ['forbidden.js', FORBIDDING_POLICY],
}
/** The scripts of the suite and of the library, and the cases. */
const FILE = /^\/\w+\.(js|json)$/

export interface PageServer {
  readonly url: string
  readonly result: Promise<string>
  close(): void
}

export async function servePages(folder: string): Promise<PageServer> {
  let settle: (text: string) => void = () => {}
  const result = new Promise<string>((resolve) => {
    settle = resolve
  })
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    response.setHeader('cross-origin-opener-policy', 'same-origin')
    response.setHeader('cross-origin-embedder-policy', 'require-corp')
    if (request.method === 'POST' && path === '/result') {
      let text = ''
      request.on('data', (data) => {
        text += data
      })
      request.on('end', () => {
        response.end()
        settle(text)
      })
    } else if (pages[path]) {
      const [script, policy] = pages[path]
      response.setHeader('content-type', 'text/html; charset=utf-8')
      response.setHeader('content-security-policy', policy)
      response.end(
        `<!doctype html><title>lanegrad</title><body><script type="module" src="${script}"></script>`,
      )
    } else if (FILE.test(path) && existsSync(join(folder, path))) {
      const type = path.endsWith('.json') ? 'application/json' : 'text/javascript'
      response.setHeader('content-type', `${type}; charset=utf-8`)
      response.setHeader('content-security-policy', POLICY) // a worker's own
      response.end(readFileSync(join(folder, path)))
    } else {
      response.statusCode = 404
      response.end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, result, close }
}
