// ONNX files: everything a program imports from `lanegrad/onnx`.
export type { Imported } from '../interchange/keras/imported.ts'
export { type LoadOnnxOptions, loadOnnx } from '../interchange/onnx/load.ts'
export { type SaveOnnxOptions, saveOnnx } from '../interchange/onnx/out/save.ts'
