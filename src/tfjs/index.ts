// Models of TensorFlow.js: everything a program imports from `lanegrad/tfjs`.
export type { Imported } from '../interchange/keras/imported.ts'
export { type LoadTfjsOptions, loadTfjs, type TfjsParts, type TfjsSource } from '../interchange/tfjs/load.ts'
export { saveTfjs, type TfjsFiles } from '../interchange/tfjs/save.ts'
