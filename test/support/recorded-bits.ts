// `npm run record:bits`: trains the nets of runtimes/nets.ts and writes their hashes to recorded-bits.json, from where
// recorded-bits.test.ts and the suite of the runtimes take them. To be run only where the bits are meant to change.
import { writeFileSync } from 'node:fs'
import { trainNets } from '../runtimes/nets.ts'
import { hashesOf } from '../runtimes/suite.ts'

const hashes = await hashesOf(await trainNets({}))
writeFileSync('test/recorded-bits.json', `${JSON.stringify(hashes, null, 2)}\n`)
console.log(hashes)
