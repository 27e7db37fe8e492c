// What a program carries: the parts of the library that it names, and none of the others. Programs are bundled from the
// built library by esbuild, names kept, and searched for a text that stands in one part alone.
import { readFileSync } from 'node:fs'
import { build } from 'esbuild'
import { describe, expect, test } from 'vitest'

/** A program of dense layers that trains and predicts; `options` go to `sequential`. */
const program = ({ names = [] as string[], from = 'index', options = '', rest = '' }) => `
  import { adam, dense, meanSquaredError, sequential } from './dist/index.js'
  import { ${names.join(', ')} } from './dist/${from}.js'
  const layers = [dense({ units: 8, activation: 'tanh' }), dense({ units: 1 })]
  const model = sequential({ inputShape: [2], layers, ${options} })
  model.compile({ optimizer: adam(), loss: meanSquaredError() })
  model.fit([[0, 0], [0, 1]], [0, 1]).then(() => console.log(model.predict([[0, 1]])))
  ${rest}`

async function bundled(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: process.cwd() },
    bundle: true,
    format: 'esm',
    write: false,
  })
  return outputFiles[0].text
}

const plain = await bundled(program({}))

describe('a program carries by name', () => {
  test.each([
    [
      'relaxed arithmetic',
      { names: ['relaxed'], from: 'relaxed', options: 'numerics: relaxed()' },
      ['WASM_RELAXED'],
    ],
    [
      'threads, and the modules for their memory',
      { names: ['workers'], from: 'threads', options: 'threads: workers()' },
      ['node:worker_threads', 'crossOriginIsolated', 'postMessage({', 'came compiled, for one thread'],
    ],
    [
      'what inspect and profile print',
      {
        names: ['inspect', 'profile'],
        from: 'inspect',
        rest: 'inspect(model); profile(model, [[0, 1]], [0])',
      },
      ['live-bytes lower bound', 'transient buffer', ' instructions, ', '.engine.factor = 1,'],
    ],
    [
      'the reader of files',
      { names: ['loadWeights'], rest: 'loadWeights(model, model.save())' },
      ['the file has one', 'belong to no tensor'],
    ],
    [
      'callbacks that write files',
      {
        names: ['csvLogger', 'modelCheckpoint'],
        from: 'node',
        rest: 'const callbacks = [csvLogger({ path: "log" }), modelCheckpoint({ path: "model" })]; model.fit([[0, 1]], [0], { callbacks })',
      },
      ['node:fs/promises', 'nothing reads from it'],
    ],
    [
      'a bar for terminals',
      { names: ['progress'], from: 'node', rest: 'model.evaluate([[0, 1]], [0], { verbose: progress() })' },
      ['NO_COLOR', ' left'],
    ],
    [
      'schedules',
      {
        names: ['cosineDecay'],
        rest: 'model.compile({ loss: meanSquaredError(), optimizer: adam({ schedule: cosineDecay({ steps: 9 }) }) })',
      },
      ['"cosineDecay"', 'minimum: t'],
    ],
    [
      'optimizers that few programs have',
      { names: ['nadam'], rest: 'model.compile({ loss: meanSquaredError(), optimizer: nadam() })' },
      ['WASM_OPTIMIZERS'],
    ],
    [
      'exponentials and logarithms',
      { names: ['perplexity'], rest: 'model.compile({ loss: meanSquaredError(), metrics: [perplexity()] })' },
      ['709.78'],
    ],
    [
      'orthogonal matrices',
      { names: ['orthogonal'], rest: 'dense({ units: 1, kernelInitializer: orthogonal() })' },
      ['orthogonal: shape'],
    ],
    [
      'constraints',
      { names: ['maxNorm'], rest: 'dense({ units: 1, kernelConstraint: maxNorm() })' },
      ['WASM_TRAINING', 'adjacent axes'],
    ],
    [
      'accumulation and the average of the weights',
      {
        names: ['accumulateGradients', 'movingAverage'],
        rest: 'adam({ accumulation: accumulateGradients(2), ema: movingAverage() })',
      },
      ['WASM_TRAINING', 'accumulator', 'overwriteFrequency'],
    ],
    [
      'class weights',
      {
        names: ['classWeights'],
        rest: 'model.trainStep([[0, 1]], [0], { classWeight: classWeights({ 0: 2 }) })',
      },
      ['expected class ids as keys', 'kind: "classWeights"'],
    ],
  ])('%s', async (_, parts, texts) => {
    const whole = await bundled(program(parts))
    for (const text of texts)
      expect([text, whole.includes(text), plain.includes(text)]).toEqual([text, true, false])
  })
})

test('a program that takes one helper of lanegrad/data gets it alone', async () => {
  const texts: Readonly<Record<string, string>> = {
    tableFeatures: 'as in most rows',
    textVectorizer: 'has a token',
    windows: 'fill in what is missing before',
    argmax: 'is NaN in every class',
    trainTestSplit: 'stratify needs shuffle',
    parseCsv: 'the text is empty',
    imageTensor: 'OffscreenCanvas',
    augmentImages: 'flipVertical',
  }
  for (const name of Object.keys(texts)) {
    const code = await bundled(`import { ${name} } from './dist/data.js'; console.log(${name})`)
    // labels of predictions are read by argmax, and rows are split by the columns of a table
    const own = name === 'tableFeatures' ? [name, 'argmax'] : [name]
    expect(Object.keys(texts).filter((other) => code.includes(texts[other]))).toEqual(own)
  }
})

describe('a program that opens a frozen file carries', () => {
  const opening = (names = 'open', rest = '') => `
    import { ${names} } from './dist/run.js'
    import { all, convolution, pooling } from './dist/run/modules.js'
    export const trainer = (file) => open(file, { modules: [] })
    ${rest}`
  const binariesOf = (code: string) =>
    [...code.matchAll(/function WASM_([A-Z]+)\(/g)].map(([, name]) => name).sort()

  test('the core, no layer and nothing of the planner', async () => {
    const code = await bundled(opening())
    const library = readFileSync('dist/index.js', 'utf8')
    expect(binariesOf(code)).toEqual(['CORE'])
    for (const kind of ['conv2d', 'dense', 'glorotUniform', 'adam', 'binaryCrossentropy', 'matmul'])
      for (const [text, has] of [
        [library, true],
        [code, false],
      ] as const)
        expect([kind, new RegExp(`["'\`]${kind}["'\`]`).test(text)]).toEqual([kind, has])
  })

  test('the modules it names', async () => {
    const code = await bundled(opening('open', 'export const modules = [convolution, pooling]'))
    expect(binariesOf(code)).toEqual(['CONVOLUTION', 'CORE', 'POOLING'])
    expect(binariesOf(await bundled(opening('open', 'export const modules = all'))).length).toBe(12)
  })

  test('fit where it is named', async () => {
    const [without, withFit] = [
      await bundled(opening()),
      await bundled(opening('open, fit', 'export { fit }')),
    ]
    for (const text of ['onEpochEnd', 'validationSplit'])
      expect([text, withFit.includes(text), without.includes(text)]).toEqual([text, true, false])
  })
})
