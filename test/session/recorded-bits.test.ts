// The bits of trained weights from one version to the next: hashes of nets of every kind of layer and every optimizer
// against those on record. determinism.test.ts compares runs of one build with each other, runtimes.test.ts engines.
import { expect, test } from 'vitest'
import { trainNets } from '../runtimes/nets.ts'
import { changedNets } from '../runtimes/rows.ts'
import { hashesOf } from '../runtimes/suite.ts'

const REASON =
  'the bits of trained weights are not those on record. They may change only with a reason, told in CHANGELOG.md under ' +
  '"Changed" of the version. Then `npm run record:bits` writes the new ones to test/recorded-bits.json. Nets that changed'

test('trained weights and predictions have the recorded bits', async () => {
  const trained = await trainNets({})
  const changed = changedNets(await hashesOf(trained))
  expect(changed, `${REASON}: ${changed.join(', ')}`).toEqual([])
  expect(trained.filter(({ survivesSaving }) => !survivesSaving)).toEqual([])
})
