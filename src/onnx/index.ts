// ONNX files: everything a program imports from `lanegrad/onnx`.
export { type SaveOnnxOptions, saveOnnx } from '../interchange/onnx/out/save.ts'
