// A fresh process that does one thing and tells what it took: `node --expose-gc child.mjs WHAT NET SUBJECT`.
// WHAT: `first` CPU time of all its threads and growth of the resident memory from the subject's import to the end of its
// training steps, whose number is a fourth argument; `plan` the first training step of lanegrad less a later one, at
// batch size 1, where steps are short. Leaves a JSON line.
import { NETS, transformer } from '../nets.mjs'
import { loadSubject } from '../subjects/index.mjs'

const [what, netName, subjectName, stepCount = '1'] = process.argv.slice(2)
const one = { batchCount: 1, ...(what === 'plan' && { batchSize: 1 }) }
const net = NETS[netName]?.(one) ?? transformer(one, Number(netName.split('-')[1]))

const megabytes = () => {
  globalThis.gc?.()
  return process.memoryUsage.rss() / 1e6
}

if (what === 'plan') {
  const subject = await loadSubject('lanegrad')
  await subject.available()
  const trainer = await /** @type {any} */ (subject).trainer(net)
  const times = []
  for (let i = 0; i < 8; i++) {
    const start = performance.now()
    trainer.step(i)
    times.push(performance.now() - start)
  }
  console.log(JSON.stringify({ ms: Math.max(0, times[0] - Math.min(...times.slice(1))) }))
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
