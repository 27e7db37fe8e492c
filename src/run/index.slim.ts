// `lanegrad/run` without its binary: a program gives it to `init` before it opens a file.
export { type InitOptions, init, type ModuleName } from '../runtime/init.ts'
export * from './index.ts'
