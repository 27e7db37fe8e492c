// A plugin of typedoc: the modules get the names they are imported by, and their names get groups by where they are declared, in the order of
// `GROUPS`; types of options come last. So no docstring needs a tag, and a new name finds its group by itself.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Comment, CommentTag, Converter, ReflectionKind } from 'typedoc'

const manifest = new URL('../package.json', import.meta.url)

/** By the path of its source: the name a module is imported by. */
const importNames = new Map(
  Object.entries(JSON.parse(readFileSync(fileURLToPath(manifest), 'utf8')).exports).flatMap(
    ([name, { types }]) =>
      types && !name.startsWith('./slim')
        ? [[types.replace('./dist/types/', 'src/').replace('.d.ts', '.ts'), name.replace(/^\./, 'lanegrad')]]
        : [],
  ),
)
importNames.set('src/runtime/init.ts', 'lanegrad/slim')

/** The groups in their order, each with the files whose names it takes. */
const GROUPS = [
  [
    'Models',
    /^src\/(model\/(create|model|part|transfer|loading)|network\/|numerics\/(tensor|lanegrad-error))/,
  ],
  ['Adapters and averages', /^src\/model\/(lora|average)/],
  ['Layers: core', /^src\/layers\/(core|activation-layers|block|operations|custom|einsum|layer)\b/],
  ['Layers: convolution', /^src\/layers\/(convolution|separable)/],
  ['Layers: pooling and resizing', /^src\/layers\/(pooling|resampling|resizing|window)/],
  ['Layers: normalization', /^src\/layers\/(normalization|weight-wrappers|axes)/],
  ['Layers: recurrent', /^src\/layers\/(recurrent|conv-lstm|wrappers|sequence)/],
  [
    'Layers: attention and embedding',
    /^src\/layers\/(attention|keras-attention|grouped-attention|embedding|rotary)/,
  ],
  ['Layers: merging', /^src\/layers\/(merge|dot)/],
  ['Layers: noise', /^src\/layers\/(noise|stochastic)/],
  ['Layers: preprocessing', /^src\/layers\/preprocessing/],
  ['Activations and initializers', /^src\/layers\/(activations|initializers|normal|orthogonal)/],
  ['Constraints', /^src\/layers\/constraints/],
  ['Losses', /^src\/training\/(losses|custom-loss|graph-loss)/],
  ['Metrics', /^src\/training\/metrics/],
  ['Optimizers', /^src\/training\/(optimizers|rare-optimizers|moving-average|accumulation)/],
  ['Learning-rate schedules', /^src\/training\/schedules/],
  ['Callbacks', /^src\/callbacks/],
  ['Data', /^src\/(data|feed\/class-weight|rows)/],
]
const TYPES = 'Types'
const OPTIONS = 'Options'
const FALLBACK = 'Functions'
const ORDER = [...GROUPS.map(([name]) => name), FALLBACK, '*', TYPES, OPTIONS]

const TOP =
  ReflectionKind.Function |
  ReflectionKind.Variable |
  ReflectionKind.Class |
  ReflectionKind.Interface |
  ReflectionKind.TypeAlias |
  ReflectionKind.Reference
const TYPE = ReflectionKind.Interface | ReflectionKind.TypeAlias

function groupOf(reflection, path) {
  if (reflection.kindOf(TYPE)) return /Options$/.test(reflection.name) ? OPTIONS : TYPES
  return GROUPS.find(([, files]) => files.test(path))?.[0] ?? FALLBACK
}

const pathOf = (reflection) =>
  reflection.sources?.[0]?.fullFileName.replaceAll('\\', '/').replace(/^.*?\/(?=src\/)/, '') ?? ''

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.on('bootstrapEnd', () => app.options.setValue('groupOrder', ORDER))
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.children ?? []) {
      const name = importNames.get(pathOf(module))
      if (!name) throw new Error(`${pathOf(module)} is no entry of the package`)
      module.name = name
      for (const child of module.children ?? []) {
        if (!child.kindOf(TOP)) continue
        const target = child.tryGetTargetReflectionDeep?.() ?? child
        child.comment ??= new Comment()
        const group = groupOf(target, pathOf(target))
        child.comment.blockTags.push(new CommentTag('@group', [{ kind: 'text', text: group }]))
        // an overload for options with something more comes first in the sources, since TypeScript takes the first that fits
        const { signatures } = child
        if (signatures?.length > 1 && signatures[0].parameters?.[0]?.type?.type === 'intersection')
          child.signatures = [...signatures.slice(1), signatures[0]]
      }
    }
  })
}
