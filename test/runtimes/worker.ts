// The suite in workerd: every POST of golden cases is answered by a report. Nothing is compiled here: the library's
// build for Workers imports its binaries as modules. The build that compiles them is only asked what it says.
import type { GoldenCase } from '../golden-runner/case.ts'
import { refusalOf } from './refusal.ts'
import { runSuite, runVariants } from './suite.ts'

const COMPILING_BUILD = './index.js'

export default {
  async fetch(request: Request): Promise<Response> {
    try {
      const cases = (await request.json()) as GoldenCase[]
      const report = await runSuite(cases)
      const variants = await runVariants(cases)
      return Response.json({ ...report, variants, refusal: refusalOf(await import(COMPILING_BUILD)) })
    } catch (error) {
      return Response.json({ error: String(error) })
    }
  },
}
