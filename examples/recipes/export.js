// Export: one trained net as a file of its own, as ONNX for other runtimes, as a file for Keras, and frozen for a page.
import { dense, load, sequential } from 'lanegrad'
import { freeze } from 'lanegrad/freeze'
import { loadKeras, saveKeras } from 'lanegrad/keras'
import { loadOnnx, saveOnnx } from 'lanegrad/onnx'
import { open } from 'lanegrad/run'

const x = Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1) // four rows of two numbers
const layers = [dense({ units: 8, activation: 'tanh' }), dense({ units: 1, activation: 'sigmoid' })]
const model = sequential({ inputShape: [2], layers })
model.compile({ optimizer: 'adam', loss: 'binaryCrossentropy' })
await model.fit(x, [0, 1, 1, 0], { epochs: 1000 })
const files = [model.save(), saveOnnx(model), saveKeras(model), freeze(model, { predict: [4] })]
const [own, onnx, keras, frozen] = files // bytes: writeFileSync('model.onnx', onnx) and so on
const again = [load(own), loadOnnx(onnx), await loadKeras(keras), open(frozen)]
for (const net of again) console.log('predictions:', ...net.predict(x).data)
