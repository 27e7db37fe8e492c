import { build } from 'esbuild'
import { readFileSync } from 'node:fs'
import { minify } from 'terser'
import { gzipSync } from 'node:zlib'
const contents = process.argv[2] || "import { open } from './src/run/index.ts'\nconst t = open(bytes)\nt.trainStep(x, y)\nt.predict(x)"
const quiet = process.argv[3]
const loader = { name: 'l', setup({ onLoad }) { onLoad({ filter: /@assemblyscript[\\/]loader[\\/]index\.js$/ }, ({ path }) => {
  let text = readFileSync(path, 'utf8')
  for (const [a, b] of [[/^Object\.hasOwn = [^}]*\};?$/m, ''], [/postInstantiate\(extended, instance\)/g, 'instance.exports'], [/= preInstantiate\(imports\)/g, '= {}'], ['new TextDecoder("utf-16le", { fatal: true })', 'null'], ['src instanceof WebAssembly.Module', 'Object.prototype.toString.call(src) === "[object WebAssembly.Module]"']]) text = text.replace(a, b)
  return { contents: text, loader: 'js' } }) } }
const r = await build({ stdin: { contents, resolveDir: process.cwd() }, bundle: true, minify: true, format: 'esm', target: 'es2022', write: false, metafile: true, loader: { '.wasm': 'empty' } , outfile: 'x.js', plugins: [loader] })
const { code } = await minify(r.outputFiles[0].text, { module: true, ecma: 2020, compress: { passes: 3 } })
console.log('js gz', gzipSync(code, { level: 9 }).length, code.length)
const out = Object.values(r.metafile.outputs)[0].inputs
if (!quiet) for (const [f, { bytesInOutput }] of Object.entries(out).sort((a, b) => b[1].bytesInOutput - a[1].bytesInOutput)) console.log(bytesInOutput, f)
