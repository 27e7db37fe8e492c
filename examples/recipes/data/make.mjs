// Makes the data of the recipes anew, with the same bytes: node examples/recipes/data/make.mjs
// Cars and weather come from the package vega-datasets, garments from Fashion-MNIST (Debian: dataset-fashion-mnist, or the folder
// named as first argument). Messages and payments are invented here, from a seed. README.md tells where the tables come from.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'

const here = new URL('./', import.meta.url)
const vega = join(createRequire(import.meta.url).resolve('vega-datasets'), '../../data')
const fashion = process.argv[2] ?? '/usr/share/datasets/fashion-mnist'
const write = (name, data) => writeFileSync(new URL(name, here), data)

/** Mulberry32. */
let state = 7
function random() {
  state = (state + 0x6d2b79f5) >>> 0
  let bits = Math.imul(state ^ (state >>> 15), state | 1)
  bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
  return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
}
const pick = (list) => list[Math.floor(random() * list.length)]
/** Close to a normal number: the sum of twelve uniform ones. */
const normal = () => Array.from({ length: 12 }, random).reduce((sum, x) => sum + x, -6)

const cars = JSON.parse(readFileSync(join(vega, 'cars.json'), 'utf8')).filter(
  (car) => car.Miles_per_Gallon !== null,
)
const carCells = (car) => [
  car.Miles_per_Gallon,
  car.Cylinders,
  car.Displacement,
  car.Horsepower ?? '',
  car.Weight_in_lbs,
  car.Acceleration,
  car.Year.slice(0, 4),
  car.Origin,
]
const carNames = 'mpg,cylinders,displacement,horsepower,weight,acceleration,year,origin'
write('cars.csv', [carNames, ...cars.map((car) => carCells(car).join())].map((line) => `${line}\n`).join(''))

const days = readFileSync(join(vega, 'seattle-weather.csv'), 'utf8').trim().split('\n').slice(1)
const dayCells = (line) =>
  line
    .split(',')
    .slice(0, 5)
    .map((cell) => cell.replace(/\.0$/, ''))
write(
  'weather.csv',
  ['date,rain,high,low,wind', ...days.map((day) => dayCells(day).join())].map((line) => `${line}\n`).join(''),
)

// the first 20 pictures of each class that the test file has, in its order
const PER_CLASS = 20
const images = gunzipSync(readFileSync(join(fashion, 't10k-images-idx3-ubyte.gz')))
const labels = gunzipSync(readFileSync(join(fashion, 't10k-labels-idx1-ubyte.gz')))
const counts = new Array(10).fill(0)
const kept = [...labels.subarray(8)].flatMap((label, i) => (counts[label]++ < PER_CLASS ? [i] : []))
const head = (bytes, count) => {
  const copy = Buffer.from(bytes)
  copy.writeUInt32BE(count, 4)
  return copy
}
const pixels = kept.map((i) => images.subarray(16 + i * 784, 16 + (i + 1) * 784))
write(
  'garments-images.idx.gz',
  gzipSync(Buffer.concat([head(images.subarray(0, 16), kept.length), ...pixels]), { level: 9 }),
)
write(
  'garments-labels.idx.gz',
  gzipSync(
    Buffer.concat([head(labels.subarray(0, 8), kept.length), Buffer.from(kept.map((i) => labels[8 + i]))]),
    { level: 9 },
  ),
)

const GOOD = [
  () =>
    `${pick(['hi', 'hello', 'hey', 'dear'])} ${pick(NAMES)}, ${pick(['are you coming', 'can you come', 'will you be free'])} ${pick(TIMES)}?`,
  () =>
    `${pick(['lunch', 'dinner', 'the meeting', 'training'])} is ${pick(['moved to', 'still at', 'now at'])} ${pick(['noon', 'six', 'half past seven'])} ${pick(TIMES)}`,
  () =>
    `${pick(['thanks', 'thank you'])} for the ${pick(['notes', 'photos', 'cake', 'free ticket'])}, ${pick(NAMES)}!`,
  () =>
    `I ${pick(['won', 'lost', 'missed'])} the ${pick(['game', 'match', 'bus', 'race'])} ${pick(TIMES)}, ${pick(['call me', 'see you later', 'tell you soon'])}`,
  () =>
    `${pick(NAMES)} ${pick(['needs', 'asked for', 'has sent'])} the ${pick(['report', 'account numbers', 'keys', 'prize list'])} ${pick(TIMES)}`,
]
const BAD = [
  () =>
    `${pick(['WINNER', 'CONGRATULATIONS', 'URGENT'])}!!! You ${pick(['won', 'have won'])} a ${pick(['free', 'FREE'])} ${pick(['prize', 'phone', 'holiday', 'ticket'])}, call ${phone()} now`,
  () =>
    `${pick(['cheap', 'best', 'lowest price'])} ${pick(['pills', 'watches', 'loans'])}, click ${pick(['here', 'the link', 'now'])}: ${pick(['save', 'up to'])} ${pick([50, 70, 90])}% ${pick(TIMES)}`,
  () =>
    `your ${pick(['account', 'bank card', 'parcel'])} is ${pick(['locked', 'on hold', 'blocked'])}, ${pick(['click', 'call', 'reply'])} ${phone()} to ${pick(['claim', 'unlock', 'confirm'])}`,
  () =>
    `${pick(['hi', 'hello'])} ${pick(NAMES)}, earn $${pick([500, 900, 2000])} ${pick(['a day', 'a week'])} from home, reply ${pick(['YES', 'NOW'])}`,
]
const NAMES = ['Ada', 'Jonas', 'Mia', 'Omar', 'Chloé', 'Wei', 'Nia']
const TIMES = ['today', 'tomorrow', 'on Monday', 'this week', 'tonight', 'on Friday']
const phone = () => `0${Math.floor(1e5 + random() * 9e5)}`
const messages = Array.from({ length: 400 }, () =>
  random() < 0.4 ? ['spam', pick(BAD)()] : ['ham', pick(GOOD)()],
)
write('messages.csv', `label,text\n${messages.map(([label, text]) => `${label},"${text}"\n`).join('')}`)

// one payment of some 25 is a fraud: large for its shop, at night, far from home, or several of these
const SHOPS = { grocery: 40, fuel: 60, travel: 400, electronics: 250, restaurant: 35 }
const payments = Array.from({ length: 1000 }, () => {
  const isFraud = random() < 0.04
  const shop = pick(Object.keys(SHOPS))
  const amount = SHOPS[shop] * (0.6 + 0.8 * random()) * (isFraud && random() < 0.7 ? 2 + 2 * random() : 1)
  const hour = isFraud && random() < 0.6 ? Math.floor(random() * 6) : Math.floor(7 + random() * 17)
  const distance = Math.abs(normal()) * 8 + (isFraud && random() < 0.6 ? 100 * random() : 0)
  return [
    amount.toFixed(2),
    hour,
    random() < 0.02 ? '' : distance.toFixed(1),
    shop,
    isFraud ? 'yes' : 'no',
  ].join()
})
write('payments.csv', `amount,hour,distance,shop,fraud\n${payments.join('\n')}\n`)
