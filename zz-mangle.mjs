import { build } from 'esbuild'
import { readFileSync } from 'node:fs'
import { minify } from 'terser'
import { gzipSync } from 'node:zlib'
const contents = `import { adam, dense, meanSquaredError, sequential } from './dist/index.js'
    const model = sequential({ inputShape: [2], layers: [dense({ units: 8, activation: 'tanh' }), dense({ units: 1 })] })
    model.compile({ optimizer: adam(), loss: meanSquaredError() })
    model.fit([[0, 0], [0, 1]], [0, 1]).then(() => console.log(model.predict([[0, 1]])))`
const r = await build({ stdin: { contents, resolveDir: process.cwd() }, bundle: true, minify: true, format: 'esm', write: false })
const g = (c) => gzipSync(c, { level: 9 }).length
const run = async (mangle) => { const { code } = await minify(r.outputFiles[0].text, { module: true, ecma: 2020, compress: { passes: 3 }, mangle }); return code }
const a = await run(true); console.log('now', a.length, g(a))
const lines = a
const b = await run({ properties: {} }); console.log('all props', b.length, g(b))
const counts = new Map()
for (const [, n] of a.matchAll(/\.([A-Za-z_$][\w$]{3,})/g)) counts.set(n, (counts.get(n) ?? 0) + 1)
console.log([...counts].sort((x, y) => y[1] * y[0].length - x[1] * x[0].length).slice(0, 120).map(([n, c]) => `${n}:${c}`).join(' '))
