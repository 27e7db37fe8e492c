// What lets several threads compute: the core alone has none of it.
import { SPLIT_WORK, THREADS_END } from '../../assembly/abi.ts'
import binary from '../../build/threads.wasm'
import type { KernelModule } from './kernel-module.ts'

export const threadsModule: KernelModule = { name: 'threads', binary, codes: [SPLIT_WORK, THREADS_END] }
