// `npm run site`: the static site in build/site: the README, the guides, the reference, the playground and the report of the bench's result that is kept
// in bench/result.json (or of another one: --bench ROWS.json). Any static host can serve the folder (--serve does, on this machine alone), guides and reference work from a
// file, and nothing is asked of other sites. Enters: markdown, what typedoc has made in build/reference, sources of the playground.
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, transform } from 'esbuild'
import { slashes } from '../../scripts/paths.mjs'
import { buildPlayground, serve } from '../../scripts/playground.mjs'
import { layout } from './layout.mjs'
import { render } from './markdown.mjs'
import { namesOf } from './names.mjs'
import { adapted, groupsIn } from './reference-page.mjs'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const OUT = join(ROOT, 'build/site')
const REPOSITORY = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).repository.url.replace(
  /^git\+|\.git$/g,
  '',
)
const read = (path) => readFileSync(join(ROOT, path), 'utf8')

/** Texts beside the guides, by their page. */
const OTHERS = {
  'README.md': 'index.html',
  'CONTRIBUTING.md': 'project/contributing.html',
  'ARCHITECTURE.md': 'project/architecture.html',
  'CHANGELOG.md': 'project/changelog.html',
  'SECURITY.md': 'project/security.html',
  'CODE_OF_CONDUCT.md': 'project/code-of-conduct.html',
}
const guides = readdirSync(join(ROOT, 'docs/guides')).filter((name) => name.endsWith('.md'))
const pages = new Map([
  ...Object.entries(OTHERS),
  ...guides.map((name) => [
    `docs/guides/${name}`,
    `guides/${name === 'README.md' ? 'index' : name.slice(0, -'.md'.length)}.html`,
  ]),
])

/** A measurement; its page is the report. */
const RESULT = 'bench/result.json'

/** The links of the texts to files that aren't pages: pictures come along, the rest is in the repository. */
const pictures = new Set()
function linkFrom(source) {
  const page = pages.get(source)
  return (link) => {
    if (/^(\w+:|#)/.test(link)) return link
    const [, path, anchor = ''] = /^([^#]*)(#.*)?$/.exec(link)
    const target = posix.join(posix.dirname(source), path)
    const to = target === RESULT ? 'bench/index.html' : pages.get(target)
    if (to) return posix.relative(posix.dirname(page), to) + anchor
    if (!/\.(png|svg|gif)$/.test(target)) return `${REPOSITORY}/blob/main/${target}${anchor}`
    pictures.add(target)
    return posix.relative(posix.dirname(page), pictureOf(target))
  }
}
const pictureOf = (path) => `assets/${path.replaceAll('/', '-')}`

/** The groups of the guides' list, and the project's own pages. */
function groupsOf() {
  const list = read('docs/guides/README.md').split(/^## /m).slice(1)
  return [
    ...list.map((text) => ({
      title: text.split('\n')[0],
      links: [...text.matchAll(/^- \[(.*?)\]\((.*?)\)/gm)].map(([, name, file]) => [
        pages.get(`docs/guides/${file}`),
        name.split(':')[0],
      ]),
    })),
    {
      title: 'The project',
      links: [
        ['project/contributing.html', 'Contributing'],
        ['project/architecture.html', 'Architecture'],
        ['project/changelog.html', 'Changelog'],
        ['bench/index.html', 'Bench report'],
      ],
    },
  ]
}

function put(path, text) {
  mkdirSync(dirname(join(OUT, path)), { recursive: true })
  writeFileSync(join(OUT, path), text)
}

const ACTIONS = `<p class="actions"><a href="guides/index.html">Guides</a><a href="playground/index.html">Playground</a><a href="reference/index.html">Reference</a></p>`
/** Long texts would make the index large: what is beyond is found by its headings. */
const INDEXED_CHARACTERS = 1500
const plain = (text) =>
  text
    .replace(/\]\([^)]*\)|[[\]*`|]|-{3,}/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()

function writePages() {
  const groups = groupsOf()
  const index = []
  for (const [source, path] of pages) {
    const { html, title, headings, sections } = render(read(source), linkFrom(source))
    const isHome = source === 'README.md'
    const body = isHome ? html.replace('</p>', `</p>\n${ACTIONS}`) : html
    const description = plain(sections[0]?.text ?? '').slice(0, 160) || title
    put(path, layout({ path, title, description, body, headings }, groups))
    for (const { heading, id, text } of sections)
      index.push([`${path}#${id}`, title, heading, plain(text).slice(0, INDEXED_CHARACTERS), 'guide'])
  }
  for (const path of pictures) copyFileSync(join(ROOT, path), join(OUT, pictureOf(path)))
  return index
}

async function writeAssets() {
  // the head of the playground's, colors above all, then the site's own
  const [head] = read('examples/playground/style.css').split(/^\/\* The page:/m)
  const text = `${head}\n${read('docs/site/style.css')}`
  const { code } = await transform(text, { loader: 'css', minify: true })
  put('assets/style.css', code)
  await build({
    entryPoints: { site: join(ROOT, 'docs/site/site.js'), theme: join(ROOT, 'examples/playground/theme.js') },
    outdir: join(OUT, 'assets'),
    minify: true,
    charset: 'utf8',
  })
}

/** The page of the bench's result. What draws it is bundled, since its packages are here those of docs/. */
async function writeBench(rows) {
  const outfile = join(ROOT, 'build/site-report.mjs')
  await build({
    entryPoints: [join(ROOT, 'bench/report/main.mjs')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    nodePaths: [join(ROOT, 'docs/node_modules')],
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)",
    },
  })
  const { writeReport } = await import(pathToFileURL(outfile).href)
  writeReport(JSON.parse(readFileSync(rows, 'utf8')), join(OUT, 'bench'), '../guides/speed.html')
}

/** The order of the package's exports, which is that of the README's table. */
const ENTRIES = Object.keys(JSON.parse(read('package.json')).exports).map((path) =>
  path.replace('.', 'lanegrad'),
)

function adaptReference(folder) {
  const modules = readdirSync(join(folder, 'modules'))
    .map((file) => {
      const html = readFileSync(join(folder, 'modules', file), 'utf8')
      const name = ENTRIES.find((entry) => `${entry.replaceAll('/', '_')}.html` === file)
      if (name === undefined) throw new Error(`the reference's ${file} is no entry of the package`)
      return { file, name, groups: groupsIn(html) }
    })
    .sort((a, b) => ENTRIES.indexOf(a.name) - ENTRIES.indexOf(b.name))
  for (const path of readdirSync(folder, { recursive: true }).map((path) => slashes(path))) {
    if (!path.endsWith('.html')) continue
    const file = join(folder, path)
    writeFileSync(file, adapted(readFileSync(file, 'utf8'), path, modules))
  }
}

const args = process.argv.slice(2)
rmSync(OUT, { recursive: true, force: true })
mkdirSync(join(OUT, 'assets'), { recursive: true })
cpSync(join(ROOT, 'build/reference'), join(OUT, 'reference'), { recursive: true })
adaptReference(join(OUT, 'reference'))
await writeAssets()
await buildPlayground(join(OUT, 'playground'))
await writeBench(args.includes('--bench') ? args[args.indexOf('--bench') + 1] : join(ROOT, RESULT))
const index = [...writePages(), ...namesOf(join(ROOT, 'build/reference.json'), join(OUT, 'reference'))]
put('assets/search-index.js', `window.lanegradIndex=${JSON.stringify(index)}`)
console.log(`build/site: ${pages.size} pages, ${index.length} entries of the search`)
if (args.includes('--serve')) {
  const { address } = await serve(OUT, 8080)
  console.log(`site: ${address}  (Ctrl-C ends it)`)
}
