// The suite's variants in a page's worker. Enters: the golden cases, as a message. Leaves: what they gave, or what went
// wrong, as one.
import { runVariants } from './suite.ts'

addEventListener('message', async ({ data }) => {
  try {
    postMessage({ variants: await runVariants(data) })
  } catch (error) {
    postMessage({ error: String(error) })
  }
})
