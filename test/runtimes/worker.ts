// The suite in workerd: every POST of golden cases is answered by a report. Nothing is compiled here: the library's
// build for Workers imports its binaries as modules. The build that compiles them is only asked what it says.
import { refusalOf } from './refusal.ts'
import { runSuite } from './suite.ts'

const COMPILING_BUILD = './index.js'

export default {
  async fetch(request: Request): Promise<Response> {
    try {
      const report = await runSuite(await request.json())
      return Response.json({ ...report, refusal: refusalOf(await import(COMPILING_BUILD)) })
    } catch (error) {
      return Response.json({ error: String(error) })
    }
  },
}
