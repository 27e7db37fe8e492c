/** A script and its source map, decoded or not. */
export interface Script {
  readonly code: string
  readonly map: object
}
export function withFunctions(script: Script, ofConstants: boolean): Script
