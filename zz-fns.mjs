import { build } from 'esbuild'
import { gzipSync } from 'node:zlib'
import { parse } from 'acorn'
const contents = process.argv[2] || `import { adam, dense, meanSquaredError, sequential } from './src/index.ts'
    const model = sequential({ inputShape: [2], layers: [dense({ units: 8, activation: 'tanh' }), dense({ units: 1 })] })
    model.compile({ optimizer: adam(), loss: meanSquaredError() })
    model.fit([[0, 0], [0, 1]], [0, 1]).then(() => console.log(model.predict([[0, 1]])))`
const r = await build({ stdin: { contents, resolveDir: process.cwd() }, bundle: true, minifyWhitespace: true, minifySyntax: true, format: 'esm', target: 'es2022', write: false, loader: { '.wasm': 'empty' } })
const code = r.outputFiles[0].text
const g = (c) => gzipSync(c, { level: 9 }).length
const total = g(code)
const list = []
const visit = (n, path) => { if (Array.isArray(n)) return n.forEach((c) => visit(c, path)); if (!n || typeof n.type !== 'string') return
  let name
  if (n.type === 'FunctionDeclaration') name = n.id?.name
  if (n.type === 'MethodDefinition') name = n.key.name
  if (n.type === 'Property' && /Function/.test(n.value?.type)) name = n.key.name
  if (n.type === 'ClassDeclaration') name = n.id.name
  if (n.type === 'VariableDeclarator' && n.init && path === '') name = n.id.name
  if (name && n.end - n.start > 60) { list.push([path + name, n.start, n.end, n.type]); }
  const p = name ? `${path}${name}.` : path
  for (const k in n) if (k !== 'type') visit(n[k], p) }
visit(parse(code, { ecmaVersion: 'latest', sourceType: 'module' }).body, '')
const rows = list.map(([n, s, e]) => [n, total - g(code.slice(0, s) + code.slice(e)), e - s])
rows.sort((a, b) => b[1] - a[1])
console.log(total); console.log(rows.slice(0, Number(process.argv[3] ?? 260)).map(([n, d, b]) => `${d}\t${b}\t${n}`).join('\n'))
