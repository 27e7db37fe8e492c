// The subpaths of the package (`lanegrad/data`: src/data/index.ts): bundles of their own, to be loaded beside the main file.
// What the main file exports they take from there: a class, a cache, is the same one whichever file a program got it from.
import { readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'

/** From the exports map: `./data` and so on. */
export const subpaths = Object.keys(JSON.parse(readFileSync('package.json', 'utf8')).exports)
  .map((path) => /^\.\/(\w+)$/.exec(path)?.[1])
  .filter((name) => name !== undefined && name !== 'slim')

/** Names that an entry exports, types apart, by the file they come from. */
export function publicNames(entry) {
  const found = new Map()
  for (const [, list, from] of readFileSync(entry, 'utf8').matchAll(/^export \{([^}]*)\} from '(.*)'/gm)) {
    const names = list.split(',').map((name) => name.trim())
    found.set(
      resolve(dirname(entry), from),
      names.filter((name) => name !== '' && !name.startsWith('type ')),
    )
  }
  return found
}

/** For esbuild: public names are imported from ./index.js, whatever else a file exports is bundled. */
export const fromMain = {
  name: 'from-main',
  setup({ onLoad, onResolve }) {
    const names = publicNames('src/index.ts')
    onResolve({ filter: /^\.\/index\.js$/, namespace: 'public' }, ({ path }) => ({
      path,
      external: true,
      sideEffects: false,
    }))
    onResolve({ filter: /\?own$/ }, ({ path }) => ({
      path: resolve(path.slice(0, -4)),
      suffix: '?own',
      sideEffects: false,
    }))
    onResolve({ filter: /^\..*\.ts$/ }, ({ path, resolveDir, kind }) => {
      const file = resolve(resolveDir, path)
      if (kind === 'entry-point' || !names.get(file)?.length) return null
      return { path: relative('.', file), namespace: 'public', sideEffects: false }
    })
    // names given one by one hide those of `export *`
    onLoad({ filter: /.*/, namespace: 'public' }, ({ path }) => ({
      contents: `export { ${names.get(resolve(path))} } from './index.js'; export * from ${JSON.stringify(`./${path}?own`)}`,
      loader: 'js',
      resolveDir: '.',
    }))
  },
}
