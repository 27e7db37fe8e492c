// log and log1p of math.ts as calls: one copy each of half a kilobyte, for kernels whose time isn't theirs.
// (Exported at the end: on an exported declaration, asc warns that hosts can't call it.)
// Float64 reference: test/reference/unary.ts
import { log, log1p } from '../math'

function callLog(x: v128): v128 {
  return log(x)
}

function callLog1p(x: v128): v128 {
  return log1p(x)
}

export { callLog, callLog1p }
