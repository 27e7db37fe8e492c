// webpack and rspack, which take the same settings. Enters: which, and its settings. Leaves: the files they name.
import { tool } from './tools.ts'

interface Stats {
  hasErrors(): boolean
  toString(): string
}

/** @throws Error with what the compiler says */
export async function compile(name: 'webpack' | '@rspack/core', settings: object): Promise<void> {
  const module = await tool(name)
  const run = module.rspack ?? module
  await new Promise<void>((resolve, reject) => {
    run({ mode: 'production', performance: false, ...settings }, (error: Error | null, stats: Stats) => {
      if (error || stats.hasErrors()) reject(error ?? new Error(stats.toString()))
      else resolve()
    })
  })
}
