// In a frame whose Content-Security-Policy forbids WebAssembly: tells the page what the library says there.
import * as library from '../../src/index.ts'
import { refusalOf } from './refusal.ts'

parent.postMessage(refusalOf(library))
