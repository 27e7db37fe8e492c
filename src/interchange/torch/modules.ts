// The modules of a state_dict, from its safetensors files. Enters: bytes of unknown origin, one file or several with their index.
// Leaves: tensors by module and role; every way in which files can't be taken has its own LanegradError.
import { object, parse } from '../../formats/json.ts'
import { allReaders, decodeTensors } from '../../formats/safetensors.ts'
import { refuseOthers } from '../../formats/signs.ts'
import { isFloat32 } from '../../numerics/brands.ts'
import { type ByteSource, bytesOf, decodeText } from '../../numerics/bytes.ts'
import { check, fail, show } from '../../numerics/errors.ts'
import type { Shape } from '../../numerics/shape.ts'
import type { NamedArray } from '../../numerics/tensor.ts'

export interface Tensor {
  readonly name: string
  readonly shape: Shape
  readonly data: Float32Array | Int32Array
}

/** What PyTorch has under one name: `layer1.0.conv1`; of layers of a recurrent net `rnn.l0`, `rnn.l1`. */
export interface TorchModule {
  readonly name: string
  /** By role: `weight`, `bias`, ...; '' for a parameter that isn't in a module of PyTorch's. */
  readonly tensors: ReadonlyMap<string, Tensor>
}

/** PyTorch's own files are zips, since 1.6, or pickles. */
const isTorchFile = (bytes: Uint8Array) =>
  bytes[8] !== 0x7b && ((bytes[0] === 0x50 && bytes[1] === 0x4b) || bytes[0] === 0x80)

/** The types of tensors that are read; masks aren't weights, but the file isn't damaged for having them. */
const readers = { ...allReaders, BOOL: allReaders.U8 }

/** An index is JSON; a safetensors file begins with a length of 8 bytes, the last of which are 0. */
const isIndex = (bytes: Uint8Array) => bytes[0] === 0x7b && bytes.subarray(4, 8).some((byte) => byte !== 0)

/** The names that the index of several files gives. */
function namesIn(bytes: Uint8Array): string[] {
  const what = 'loadStateDict: index'
  let text: string
  try {
    text = decodeText(bytes)
  } catch {
    fail(`${what} must be UTF-8`)
  }
  const { weight_map: names } = object(what, parse(what, text))
  return Object.keys(object(`${what}: weight_map`, names))
}

const listed = (names: readonly string[]): string => names.map(show).join(', ')

/** The tensors of all files. @throws LanegradError where a file is damaged or lacks what the index names */
export function readTensors(given: ByteSource | readonly ByteSource[]): Map<string, NamedArray> {
  const files = Array.isArray(given) ? (given as readonly ByteSource[]) : [given as ByteSource]
  check(files.length > 0, 'loadStateDict: files', 'one file or more', given)
  const tensors = new Map<string, NamedArray>()
  let wanted: string[] | null = null
  for (const file of files) {
    const bytes = bytesOf('loadStateDict: file', file)
    if (isIndex(bytes)) {
      if (wanted) fail('loadStateDict: two of the files are an index')
      wanted = namesIn(bytes)
      continue
    }
    if (isTorchFile(bytes))
      fail(
        'loadStateDict: this is a file of torch.save; write one with safetensors.torch.save_file(model.state_dict(), path)',
      )
    refuseOthers('loadStateDict: file', bytes, /^a safetensors/)
    for (const [name, tensor] of decodeTensors(bytes, readers).tensors) {
      if (tensors.has(name)) fail(`loadStateDict: two files hold ${show(name)}`)
      tensors.set(name, tensor)
    }
  }
  if (wanted) {
    const lacking = wanted.filter((name) => !tensors.has(name))
    if (lacking.length > 0) fail(`loadStateDict: the index names ${listed(lacking)}, which no file holds`)
    const known = new Set(wanted)
    const others = [...tensors.keys()].filter((name) => !known.has(name))
    if (others.length > 0) fail(`loadStateDict: the index doesn't name ${listed(others)}, which a file holds`)
  }
  return tensors
}

/** The module and the role of a tensor; `layer`: of several recurrent ones in a module. */
function placeOf(name: string): { module: string; role: string; layer: number | null } {
  const at = name.lastIndexOf('.')
  const [outer, own] = [name.slice(0, Math.max(at, 0)), name.slice(at + 1)]
  const joined = (part: string) => (outer ? `${outer}.${part}` : part)
  if (/^(weight|bias|running_mean|running_var)$/.test(own)) return { module: outer, role: own, layer: null }
  const recurrent = /^((?:weight|bias)_[ih]h)(?:_l(\d{1,4})(_reverse)?)?$/.exec(own)
  if (recurrent) {
    const [, role, layer, reverse = ''] = recurrent
    return { module: outer, role: role + reverse, layer: Number(layer ?? 0) }
  }
  const attention = /^(in_proj)_(weight|bias)$/.exec(own)
  if (attention) return { module: joined(attention[1]), role: attention[2], layer: null }
  return { module: name, role: '', layer: null }
}

/** The modules in the order of `order`, or in that of the tensors. Counts of batches are left out. */
export function modulesOf(tensors: ReadonlyMap<string, NamedArray>): TorchModule[] {
  const places = [...tensors]
    .filter(([name]) => !/(^|\.)num_batches_tracked$/.test(name))
    .map(([name, tensor]) => ({ name, tensor, ...placeOf(name) }))
  const deep = new Set(places.flatMap(({ module, layer }) => (layer ? module : [])))
  const modules = new Map<string, Map<string, Tensor>>()
  for (const { name, tensor, module, role, layer } of places) {
    const own = layer !== null && deep.has(module) ? [module, `l${layer}`].filter(Boolean).join('.') : module
    const roles = modules.get(own) ?? new Map<string, Tensor>()
    modules.set(own, roles)
    if (roles.has(role))
      fail(`loadStateDict: ${show(name)} is what ${show(roles.get(role)?.name)} is already`)
    roles.set(role, { name, ...tensor })
  }
  return [...modules].map(([name, own]) => ({ name, tensors: own }))
}

/** The name of a tensor of PyTorch; the inverse of the names that modules have here. */
export function tensorName(module: string, role: string): string {
  if (role === '') return module
  const recurrent = /^((?:weight|bias)_[ih]h)(_reverse)?$/.exec(role)
  if (recurrent) {
    const [, outer = '', layer = '0'] = /^(?:(.*?)(?:\.|(?=l\d+$)))?l(\d{1,4})$/.exec(module) ?? [
      null,
      module,
    ]
    const own = `${recurrent[1]}_l${layer}${recurrent[2] ?? ''}`
    return outer ? `${outer}.${own}` : own
  }
  if (module === '') return role
  return /(^|\.)in_proj$/.test(module) ? `${module}_${role}` : `${module}.${role}`
}

/** Whether the tensors come in the order of the state_dict: safetensors' own writer sorts by name, bias before weight. */
export function isInOrder(modules: readonly TorchModule[]): boolean {
  const several = modules.filter(({ tensors }) => tensors.size > 1)
  const isSorted = ({ tensors }: TorchModule) => {
    const names = [...tensors.values()].flatMap(({ name, data }) => (isFloat32(data) ? name : []))
    return names.every((name, i) => i === 0 || names[i - 1] < name)
  }
  return several.length > 0 && !several.some(isSorted)
}
