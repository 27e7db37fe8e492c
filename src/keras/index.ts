// Models of Keras: everything a program imports from `lanegrad/keras`.
export type { Imported } from '../interchange/keras/imported.ts'
export { type LoadKerasOptions, type LoadKerasWeightsOptions, loadKeras } from '../interchange/keras/load.ts'
export { saveKeras } from '../interchange/keras/save.ts'
