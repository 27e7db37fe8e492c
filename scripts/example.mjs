// `npm run example -- NAME [options]`: builds examples/NAME/main.ts and runs it in the same terminal; recipes/NAME runs as it is. The
// playground is a page, with a command of its own.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { build } from 'esbuild'

const [name, ...args] = process.argv.slice(2)
const recipes = readdirSync('examples/recipes').flatMap((file) =>
  file.endsWith('.js') ? `recipes/${file.slice(0, -3)}` : [],
)
const names = readdirSync('examples')
  .filter((folder) => existsSync(`examples/${folder}/main.ts`) && folder !== 'playground')
  .concat(recipes)
if (name === 'playground') {
  console.error('the playground is a page: npm run playground')
  process.exit(2)
}
if (!names.includes(name)) {
  const what = name === undefined || name.startsWith('-') ? 'which example?' : `no example ${name}.`
  console.error(`${what} There are: ${names.join(', ')}\n  npm run example -- NAME [--help]`)
  process.exit(name === '--help' ? 0 : 2)
}

const isRecipe = recipes.includes(name)
const outfile = isRecipe ? `examples/${name}.js` : `build/examples/${name}.js`
if (!isRecipe)
  await build({
    entryPoints: [`examples/${name}/main.ts`],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    tsconfigRaw: '{}', // "lanegrad" is the built package, not its sources
    logLevel: 'warning',
  })
process.on('SIGINT', () => {}) // Ctrl-C is the example's: it has a last word
spawn(process.execPath, [outfile, ...args], { stdio: 'inherit' }).on('exit', (code) => {
  process.exitCode = code ?? 1
})
