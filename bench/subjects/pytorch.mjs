// Subject `pytorch`: the native peer, in a Python process of its own, on as many threads as a case asks for. Times are
// measured there, around whole steps, the wrapping of the batch's numpy arrays included, its messages not.
import { missing, startTorch } from '../peers/torch.mjs'

/** Below this its products can only be those of the reference BLAS: a scalar triple loop. */
const FAST_BLAS = 10

/** @type {Map<number, ReturnType<typeof startTorch>>} */
const processes = new Map()
let version = ''
let gflops = 0

/** The process with this many threads. @param {number} threads */
function torch(threads = 1) {
  const known = processes.get(threads) ?? startTorch(threads)
  processes.set(threads, known)
  return known
}

/** @type {import('./index.mjs').Subject} */
export const subject = {
  name: 'pytorch',
  version: () => version,
  optimizers: ['adam', 'sgd'],

  async available() {
    const reason = missing()
    if (reason) return reason
    ;({ version, gflops } = await torch().hello())
    return null
  },

  note() {
    if (gflops >= FAST_BLAS) return null
    const found = `a 512 x 512 x 512 product runs at ${gflops.toFixed(1)} GFLOP/s`
    return `${found}: its BLAS seems to be the reference one; Debian: apt install libopenblas0-pthread`
  },

  async matmul(product) {
    const handle = await torch().product(product)
    const time = handle.timed('run')
    return { run: () => time(0, 1), time, read: handle.read, dispose: handle.dispose }
  },

  async trainer(net, { threads } = {}) {
    const handle = await torch(threads).net(net)
    const time = handle.timed('step')
    return { step: (i) => time(i, 1), time, loss: handle.loss, dispose: handle.dispose }
  },

  async predictor(net) {
    const handle = await torch().net(net)
    const time = handle.timed('run')
    return {
      async run(i) {
        await time(i, 1)
        return handle.read()
      },
      time,
      dispose: handle.dispose,
    }
  },

  variants: async (cores) =>
    [1, 2]
      .filter((threads) => threads <= cores)
      .map((threads) => ({
        name: threads > 1 ? `pytorch-${threads}` : 'pytorch',
        series: 'pytorch',
        threads,
        runtime: { threads },
      })),

  stop() {
    for (const one of processes.values()) one.stop()
    processes.clear()
  },
}
