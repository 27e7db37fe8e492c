// Suite `finetune` in lanegrad: `loadTfjs`, then `transfer` or `predict`.

/** @param {import('./nets.mjs').Parts} parts */
export async function load(parts) {
  const { loadTfjs } = await import('lanegrad/tfjs')
  return loadTfjs(/** @type {any} */ (parts))
}

/**
 * @param {import('./nets.mjs').Parts} parts @param {Float32Array} x @param {number[]} shape
 * @returns {Promise<import('../subjects/index.mjs').Predictor>}
 */
export async function predictor(parts, x, shape) {
  const net = /** @type {any} */ (await load(parts))
  return { run: () => net.predict({ shape, data: x }).data, dispose: () => net.dispose() }
}

/** @param {import('./nets.mjs').Tuning} tuning @returns {Promise<import('../subjects/index.mjs').Trainer>} */
export async function tune({ parts, features, what, batchSize, classes, shape, x, y, kernel, learningRate }) {
  const { dense, sgd, transfer } = await import('lanegrad')
  const base = await load(parts)
  const head = [dense({ units: classes, activation: 'softmax', name: 'verdict' })]
  const model = transfer(/** @type {any} */ (base), { output: features, head, trainable: what === 'whole' })
  base.dispose()
  model.setWeights({ 'verdict/kernel': { shape: [kernel.length / classes, classes], data: kernel } })
  model.compile({ optimizer: sgd({ learningRate }), loss: 'sparseCategoricalCrossentropy' })
  const batch = { shape: [batchSize, ...shape], data: x }
  let loss = 0
  return {
    step() {
      loss = model.trainStep(batch, y).loss
    },
    loss: () => loss,
    dispose: () => model.dispose(),
  }
}
