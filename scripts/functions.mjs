// Makes functions of what a module defines at its top level, so that importing it does next to nothing:
//
//   const square = (x) => x * x        function square(x){return x * x}
//   const table = { ... }              function table(){return table.v??={ ... }}, and `table()` where it is used
//
// V8 reads a function that isn't called yet just to find its end; of an arrow function of a module, and of every constant, it
// builds the whole syntax tree, keeps it until the module is parsed, and then makes the objects. A program needs few of them.
// Importing the main entry takes 20 ms of CPU instead of 28 (Node 20, EPYC), and until the end of its first training step a
// program makes a tenth less garbage.
import remapping from '@jridgewell/remapping'
import { parse } from 'acorn'
import { analyze } from 'eslint-scope'
import MagicString from 'magic-string'

const isNode = (value) => typeof value?.type === 'string'
const childrenOf = (node) => Object.values(node).flat().filter(isNode)

/** Whether it means another `this`, or other `arguments`, inside a function of its own. */
const isBound = (node) =>
  node.type === 'ThisExpression' ||
  (node.type === 'Identifier' && node.name === 'arguments') ||
  (!/^Function/.test(node.type) && childrenOf(node).some(isBound))

const isArrow = (node) => node?.type === 'ArrowFunctionExpression' && !node.async && !isBound(node)

/** Characters of an arrow function inside a constant whose tree costs less than the longer text. */
const SHORT = 20
/** Characters of a constant that costs less than to ask for it wherever it is used. */
const SMALL = 80

const isConstant = ({ type, start, end }) =>
  type === 'CallExpression' || (/^(Object|Array)Expression$/.test(type) && end - start > SMALL)

/** Whether another module takes its value, `new` would make an object of the function, or it is a function that may be hot. */
const isAsItIs = (use, { type, callee }) =>
  type === 'ExportSpecifier' || (/^(New|Call)Expression$/.test(type) && callee === use)

/** The declarations of constants that can be made when they are first used, each with the identifiers that use it. */
function constantsOf(tree, parentOf) {
  const [scope] = analyze(tree, { ecmaVersion: 2022, sourceType: 'module' }).globalScope.childScopes
  const constants = new Map()
  for (const { defs, references } of scope.variables) {
    const declaration = defs[0].node
    const isOwn = tree.body.includes(parentOf.get(declaration)) // and not behind `export`
    if (!isOwn || !declaration.init || !isConstant(declaration.init)) continue
    const uses = references.filter(({ init }) => !init)
    const isTaken = uses.some(
      (use) => use.isWrite() || isAsItIs(use.identifier, parentOf.get(use.identifier)),
    )
    if (!isTaken)
      constants.set(
        declaration,
        uses.map(({ identifier }) => identifier),
      )
  }
  return constants
}

/** `code` and its source map with functions where its top level has arrow functions and, if `ofConstants`, constants. */
export function withFunctions({ code, map }, ofConstants) {
  const text = new MagicString(code)
  const tree = parse(code, { ecmaVersion: 'latest', sourceType: 'module', ranges: true })
  const parentOf = new Map()
  const note = (node) => {
    for (const child of childrenOf(node)) {
      parentOf.set(child, node)
      note(child)
    }
  }
  note(tree)
  const constants = ofConstants ? constantsOf(tree, parentOf) : new Map()
  for (const uses of constants.values())
    for (const use of uses) text.appendLeft(use.end, parentOf.get(use).shorthand ? `:${use.name}()` : '()')

  /** Writes the arrow function as one whose text begins with `head` instead, at `start`. */
  const rewrite = ({ params, body, expression, end }, start, head) => {
    const opening = expression ? `{return${/[\w$]/.test(code[body.start]) ? ' ' : ''}` : ''
    const first = params[0] ?? body
    const between = params.length === 0 ? `${head}()${opening}` : `${head}(`
    if (first.start > start) text.overwrite(start, first.start, between)
    else text.appendLeft(start, between)
    if (params.length > 0) text.overwrite(params.at(-1).end, body.start, `)${opening}`)
    if (!expression) return
    if (body.end < end) text.remove(body.end, end) // parentheses
    text.appendLeft(body.end, '}')
  }
  /** Rewrites the arrow functions inside what stays at the top level; of an object literal they become methods. */
  const visit = (node, parent) => {
    if (node.type === 'ClassBody' || /^Function/.test(node.type)) return
    const isMethod = parent?.type === 'Property' && !parent.computed
    if (!isArrow(node)) for (const child of childrenOf(node)) visit(child, node)
    else if (node.end - node.start > SHORT)
      rewrite(node, isMethod ? parent.key.end : node.start, isMethod ? '' : 'function')
  }
  for (const statement of tree.body) {
    if (statement.type !== 'VariableDeclaration') {
      visit(statement, null)
      continue
    }
    const { kind, declarations, start } = statement
    const becomesFunction = (declaration) => isArrow(declaration.init) || constants.has(declaration)
    declarations.forEach((declaration, i) => {
      const { id, init } = declaration
      const before = i === 0 ? start : declarations[i - 1].end
      const line = i === 0 ? '' : '\n'
      if (constants.has(declaration)) {
        text.overwrite(before, init.start, `${line}function ${id.name}(){return ${id.name}.v??=`)
        text.appendLeft(init.end, '}')
      } else if (becomesFunction(declaration)) rewrite(init, before, `${line}function ${id.name}`)
      else {
        if (i > 0 && becomesFunction(declarations[i - 1]))
          text.overwrite(before, declaration.start, `\n${kind} `)
        visit(declaration, null)
      }
    })
  }
  return { code: text.toString(), map: remapping([text.generateMap({ hires: true }), map], () => null) }
}
