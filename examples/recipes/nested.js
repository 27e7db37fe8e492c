// Models within models: one encoder reads two pictures; the net around it tells whether both show one kind of garment.
import { readFileSync } from 'node:fs'
import { auc, dense, dot, flatten, input, model, rescaling, sequential } from 'lanegrad'
import { gatherRows, gunzip, parseIdx } from 'lanegrad/data'

const url = (name) => new URL(import.meta.resolve(`lanegrad/recipes/data/garments-${name}.idx.gz`))
const read = async (name) => parseIdx(await gunzip(readFileSync(url(name)))) // or your own files of IDX
const [pictures, { data: kinds }] = [await read('images'), await read('labels')]
const layers = [rescaling({ scale: 1 / 255 }), flatten(), dense({ units: 32, activation: 'tanh' })]
const encoder = sequential({ inputShape: [28, 28], layers })
const [x1, x2] = [input({ shape: [28, 28], name: 'x1' }), input({ shape: [28, 28], name: 'x2' })]
const alike = dot({ axes: 1, normalize: true })(encoder(x1), encoder(x2)) // the encoder's weights are there once
const net = model({ inputs: { x1, x2 }, outputs: dense({ units: 1, activation: 'sigmoid' })(alike) })
net.compile({ optimizer: 'adam', loss: 'binaryCrossentropy', metrics: [auc()] })
const pairs = Array.from({ length: 12000 }, (_, i) => [i % 200, (7 * i + Math.floor(i / 200)) % 200])
const first = pairs.map(([i]) => i)
const second = pairs.map(([, j]) => j)
const x = { x1: gatherRows(pictures, first), x2: gatherRows(pictures, second) }
const y = pairs.map(([i, j]) => Number(kinds[i] === kinds[j]))
const { val_auc } = await net.fit(x, y, { epochs: 2, validationSplit: 0.2 })
console.log('area under the curve, new pairs:', val_auc.at(-1))
