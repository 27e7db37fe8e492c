// A fresh process that does one thing and tells what it took: `node --expose-gc child.mjs WHAT NET SUBJECT`.
// WHAT: `first` CPU time of all its threads and growth of the resident memory from the subject's import to the end of its
// training steps, whose number is a fourth argument; `plan` how long lanegrad takes to plan a training step, and another for
// a smaller batch, nothing else having been planned before. Leaves a JSON line.
import { NETS, transformer } from '../nets.mjs'
import { loadSubject } from '../subjects/index.mjs'
import { modelOf } from '../subjects/lanegrad.mjs'

const [what, netName, subjectName, stepCount = '1'] = process.argv.slice(2)
const one = { batchCount: 1 }
const net = NETS[netName]?.(one) ?? transformer(one, Number(netName.split('-')[1]))

const megabytes = () => {
  globalThis.gc?.()
  return process.memoryUsage.rss() / 1e6
}

if (what === 'plan') {
  const lanegrad = await import('lanegrad')
  const model = modelOf(lanegrad, net)
  model.compile({ optimizer: 'adam', loss: lanegrad.sparseCategoricalCrossentropy({ fromLogits: true }) })
  const times = [net.batchSize, net.batchSize / 2].map((rows) => {
    const start = performance.now()
    const { session } = /** @type {any} */ (model) // its own: a public call would run the plan as well
    session.programFor('train', rows)
    return performance.now() - start
  })
  console.log(JSON.stringify({ ms: times[0], againMs: times[1] }))
} else {
  const before = megabytes()
  const start = process.cpuUsage()
  const subject = await loadSubject(subjectName)
  const reason = await subject.available()
  if (reason) throw new Error(reason)
  const trainer = await /** @type {any} */ (subject).trainer(net)
  for (let i = 0; i < Number(stepCount); i++) await trainer.step(i)
  await trainer.loss()
  const { user, system } = process.cpuUsage(start)
  console.log(JSON.stringify({ cpuMs: (user + system) / 1e3, megabytes: megabytes() - before }))
}
