// The entries of the package, from its exports map: the main file, `lanegrad/data` and so on, each a bundle of its own.
// Those that are loaded beside the main file take from there what it exports: a class, a cache, is the same one whichever file
// a program got it from. The others stand alone and bring binaries of their own.
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { urlPath } from './paths.mjs'

const { exports } = JSON.parse(readFileSync('package.json', 'utf8'))

/** The source of each script, by its name in dist: `index`, `data`, `run/modules`, `slim/index` and so on. */
export const sources = Object.fromEntries(
  Object.values(exports)
    .filter(({ types }) => types)
    .map(({ types, default: main }) => [
      main.replace(/^\.\/dist\/|\.js$/g, ''),
      types.replace('./dist/types/', 'src/').replace('.d.ts', '.ts'),
    ]),
)

/** The names of the entries beside the main one, the slim forms left out. */
export const subpaths = Object.keys(sources).filter((name) => !/^(index|slim\/.*)$/.test(name))

const ALONE = /^(slim\/)?(index|relaxed|run|run\/modules)$/

/** Sources of the entries that need no other one. */
export const standalone = new Set(
  Object.entries(sources).flatMap(([name, source]) => (ALONE.test(name) ? source : [])),
)

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

/** The entries whose names others take from them. */
const SHARED = ['index', 'relaxed', 'threads']

/**
 * For esbuild: public names are imported from the scripts that export them, ./index.js and so on; whatever else a file exports
 * is bundled. `entry`: what is being bundled, which has its own names.
 */
export const fromOthers = (entry) => ({
  name: 'from-others',
  setup({ onLoad, onResolve }) {
    const scripts = SHARED.filter((name) => sources[name] !== entry)
    const names = new Map(
      scripts.flatMap((script) =>
        [...publicNames(sources[script])].map(([file, list]) => [file, { script, list }]),
      ),
    )
    onResolve({ filter: /^\.\/\w+\.js$/, namespace: 'public' }, ({ path }) => ({
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
      if (kind === 'entry-point' || !names.get(file)?.list.length) return null
      return { path: urlPath('.', file), namespace: 'public', sideEffects: false }
    })
    // names given one by one hide those of `export *`
    onLoad({ filter: /.*/, namespace: 'public' }, ({ path }) => {
      const { script, list } = names.get(resolve(path))
      const contents = `export { ${list} } from './${script}.js'; export * from ${JSON.stringify(`./${path}?own`)}`
      return { contents, loader: 'js', resolveDir: '.' }
    })
  },
})
