// The library without its binaries: a program gives them to `init` before its first model.
export * from './index.ts'
export { type InitOptions, init, type ModuleName } from './runtime/init.ts'
