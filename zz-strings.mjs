import { build } from 'esbuild'
import { minify } from 'terser'
import { gzipSync } from 'node:zlib'
import { parse } from 'acorn'
const contents = process.argv[2] ?? `import { adam, dense, meanSquaredError, sequential } from './src/index.ts'
    const model = sequential({ inputShape: [2], layers: [dense({ units: 8, activation: 'tanh' }), dense({ units: 1 })] })
    model.compile({ optimizer: adam(), loss: meanSquaredError() })
    model.fit([[0, 0], [0, 1]], [0, 1]).then(() => console.log(model.predict([[0, 1]])))`
const r = await build({ stdin: { contents, resolveDir: process.cwd() }, bundle: true, minify: true, format: 'esm', target: 'es2022', write: false, loader: { '.wasm': 'empty' } })
const { code } = await minify(r.outputFiles[0].text, { module: true, ecma: 2020, compress: { passes: 3 } })
const g = (c) => gzipSync(c, { level: 9 }).length
const texts = []
let out = ''; let at = 0
const spans = []
const walk = (n) => { if (Array.isArray(n)) return n.forEach(walk); if (!n || typeof n.type !== 'string') return
  if (n.type === 'Literal' && typeof n.value === 'string' && / /.test(n.value)) spans.push([n.start + 1, n.end - 1])
  if (n.type === 'TemplateElement' && / /.test(n.value.raw)) spans.push([n.start, n.end])
  for (const k in n) if (k !== 'type') walk(n[k]) }
walk(parse(code, { ecmaVersion: 'latest', sourceType: 'module' }))
spans.sort((a, b) => a[0] - b[0])
for (const [s, e] of spans) { texts.push(code.slice(s, e)); out += code.slice(at, s); at = e }
out += code.slice(at)
console.log('js', g(code), 'without texts', g(out), 'texts', texts.length, texts.join('').length)
if (process.argv[3]) console.log(texts.sort((a, b) => b.length - a.length).join('\n'))
