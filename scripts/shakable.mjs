// Marks the top level of a bundled ES module for the bundlers of programs that import it. The sources' top level has no
// effects, but no bundler can know that of a call, a spread or a property: an initializer with one is wrapped as
// `/*#__PURE__*/(()=>...)()`, which every bundler drops when nothing uses its name. What can't be wrapped is an error.
import remapping from '@jridgewell/remapping'
import { encode } from '@jridgewell/sourcemap-codec'
import { parse } from 'acorn'
import MagicString from 'magic-string'

/** Nodes a bundler sees to be without effects, if all their children are. */
const PLAIN = new Set(['ArrayExpression', 'ConditionalExpression', 'ObjectExpression'])
const FUNCTIONS = new Set(['FunctionExpression', 'ArrowFunctionExpression', 'FunctionDeclaration'])

function isPlain(node) {
  if (node === null || node.type === 'Literal' || node.type === 'Identifier' || FUNCTIONS.has(node.type))
    return true
  if (node.type === 'Property') return !node.computed && isPlain(node.value)
  if (node.type === 'UnaryExpression') return node.argument.type === 'Literal'
  if (node.type === 'TemplateLiteral') return node.expressions.length === 0
  if (node.type.startsWith('Class')) return isPlainClass(node)
  if (!PLAIN.has(node.type)) return false
  return [node.test, node.consequent, node.alternate, ...(node.elements ?? []), ...(node.properties ?? [])]
    .filter((child) => child !== undefined)
    .every(isPlain)
}

const isSymbol = ({ type, object }) => type === 'MemberExpression' && object.name === 'Symbol'
const isPlainClass = ({ superClass, body }) =>
  (superClass === null || superClass.type === 'Identifier') &&
  body.body.every(
    ({ type, computed, key, static: isStatic, value }) =>
      type !== 'StaticBlock' &&
      (!computed || isSymbol(key)) &&
      (type !== 'PropertyDefinition' || !isStatic || isPlain(value)),
  )

/** Whether evaluating it sets a variable: then it can't be dropped, whoever uses its value. */
function assigns(node) {
  if (Array.isArray(node)) return node.some(assigns)
  if (typeof node?.type !== 'string' || FUNCTIONS.has(node.type)) return false
  return /^(Assignment|Update)Expression$/.test(node.type) || Object.values(node).some(assigns)
}

/**
 * `code` with its impure initializers wrapped and each statement on a line of its own, and its source map likewise. @throws on
 * a statement that can't be.
 */
export function shakable({ code, map }, name) {
  const fail = (node, what) => {
    const from = code.slice(node.start, node.start + 120)
    throw new Error(`${name}: its top level ${what}, so no bundler can leave it out: ${from}`)
  }
  const text = new MagicString(code)
  const wrap = ({ type, start, end }) => {
    const inParentheses = type === 'ObjectExpression' || type === 'SequenceExpression'
    text.appendLeft(start, `/*#__PURE__*/(()=>${inParentheses ? '(' : ''}`)
    text.appendRight(end, `${inParentheses ? ')' : ''})()`)
  }
  for (const statement of parse(code, { ecmaVersion: 'latest', sourceType: 'module' }).body) {
    const node = statement.declaration ?? statement
    if (statement.start > 0 && code[statement.start - 1] !== '\n') text.appendLeft(statement.start, '\n')
    if (node.type === 'VariableDeclaration') {
      for (const { id, init } of node.declarations) {
        if (id.type !== 'Identifier') fail(node, 'takes a value apart')
        if (init && assigns(init)) fail(init, 'assigns')
        if (init && !isPlain(init)) wrap(init)
      }
    } else if (node.type === 'ClassDeclaration') {
      if (!isPlainClass(node)) fail(node, 'has a class with computed parts')
    } else if (!/^(Import|Export|FunctionDeclaration)/.test(node.type)) fail(node, 'does something')
  }
  const steps = [text.generateMap({ hires: true }), map]
  return withFunctionNames({
    code: text.toString(),
    map: remapping(steps, () => null, { decodedMappings: true }),
  })
}

/** Where a function without a name begins, Node takes the name there, its parameter's, for the function's: none is better. */
function withFunctionNames({ code, map }) {
  const lines = code.split('\n')
  const mappings = map.mappings.map((segments, line) =>
    segments.map((segment) =>
      /^([\w$]+=>|function\()/.test(lines[line].slice(segment[0], segment[0] + 40))
        ? segment.slice(0, 4)
        : segment,
    ),
  )
  return { code, map: { ...map, mappings: encode(mappings) } }
}
