// What the build makes of a module's top level (scripts/functions.mjs, scripts/order.mjs): another text that does the same.
import { SourceMap, type SourceMapPayload } from 'node:module'
import { describe, expect, test } from 'vitest'
import { type Script, withFunctions } from '../../scripts/functions.mjs'
import { ordered } from '../../scripts/order.mjs'

const EMPTY = { version: 3, sources: [], names: [], mappings: '' }
const scriptOf = (code: string): Script => ({ code, map: EMPTY })
const run = (code: string): Promise<Record<string, unknown>> =>
  import(`data:text/javascript,${encodeURIComponent(code)}`)

/** Longer than what isn't worth a function. */
const LONG = '"a text that makes the constant so long that it is worth a function of its own, as tables are"'

/** Each a module that exports a function `result`, whose value shows what the module has. */
const modules = {
  'arrow functions of every form': `const one=e=>e+1,two=(e,t=one(e))=>[e,t],three=({a:e},...t)=>({e,t}),four=()=>{return 4},five=e=>(e,5)
    export const result=()=>[one(1),two(1),three({a:1},2,3),four(),five(1)]`,
  'a table, taken as it is, in shorthand, by a default, and at the end of a function': `const table={a:1,text:${LONG}},last=e=>e?null:table
    const pair=()=>({table,b:table.a}),byDefault=(e=table)=>e.text,alone=e=>table
    export const result=()=>[last(0),last(1),pair(),byDefault(),alone().a,pair().table===alone()]`,
  'local names that hide a table': `const table={a:1,text:${LONG}},hidden=table=>table,inner=()=>{const table=2;return table}
    export const result=()=>[hidden(3),inner(),table.a,[4].map(table=>table)]`,
  'tables that hold others': `const low={a:1,text:${LONG}},all=[low,low,${LONG}],spread={...low,b:all.length}
    export const result=()=>[all,spread,all[0]===low]`,
  'calls, once each': `let count=0;const next=e=>({e,at:++count}),made=next(${LONG}),other=next(1)
    export const result=()=>[made,made===made,other.e,count]`,
  'functions that are called': `const add=(e=>t=>t+e)(3),bound=Math.max.bind(null,1)
    export const result=()=>[add(1),bound(0,2)]`,
  'variables that change, what is exported, and classes': `let now={a:1,text:${LONG}};export const table={b:2,text:${LONG}}
    const Base=(e=>class{value=e})(${LONG});class Derived extends Base{get(){return[this.value,table.b]}}
    export const result=()=>{now={a:3};return[now,table,new Base().value,new Derived().get()]}`,
  'this and arguments': `const plain=()=>typeof this,table={f:()=>this,g:e=>[e,typeof this],text:${LONG}}
    export const result=()=>[plain(),table.f(),table.g(1)]`,
  'methods, getters, computed keys': `const key='k',table={[key]:e=>e+1,get twice(){return 2},run:(e,t)=>({e,t}),text:${LONG}}
    export const result=()=>[table.k(1),table.twice,table.run(1,2)]`,
}

describe('a module with functions for what stood at its top level', () => {
  test.each(Object.entries(modules))('%s', async (_, code) => {
    const before = await run(code)
    const made = withFunctions(scriptOf(code), true)
    const after = await run(made.code)
    const value = (from: Record<string, unknown>) => (from.result as () => unknown)()
    expect(value(after)).toEqual(value(before))
    expect(Object.keys(after)).toEqual(Object.keys(before))
    // and once more in another order, far longer than what gzip looks back
    const padding = Array.from(
      { length: 900 },
      (_, i) => `function pad${i}(e){return e+"${'x'.repeat(40)}${i}"}`,
    )
    const moved = ordered(scriptOf(`${padding.join('\n')}\n${made.code}`)).code
    expect(value(await run(moved))).toEqual(value(before))
    expect(moved.indexOf('pad0(')).toBeGreaterThan(moved.indexOf('export '))
  })

  test('a table is made when it is first used', async () => {
    const { code } = withFunctions(
      scriptOf(
        `const note=[];const table=(e=>({e,at:note.push(e)}))(${LONG});export const read=()=>[note.length,table.at,note.length]`,
      ),
      true,
    )
    expect(((await run(code)).read as () => unknown)()).toEqual([0, 1, 1])
  })

  test('a function that has moved finds its line in the sources', () => {
    const code = 'const f=e=>{\nthrow e}\nfunction g(){}\nexport{f,g}'
    const map = { version: 3, sources: ['f.ts'], names: [], mappings: 'AAAA;AACA;AACA;AACA' } // a line for a line
    const { code: moved, map: made } = ordered(withFunctions({ code, map }, true))
    const lines = moved.split('\n')
    const line = lines.findIndex((text) => text.startsWith('throw'))
    expect(lines.findIndex((text) => text.startsWith('export'))).toBeLessThan(line)
    const entry = new SourceMap(made as SourceMapPayload).findEntry(line, 0)
    expect(entry).toMatchObject({ originalSource: 'f.ts', originalLine: 1, originalColumn: 0 })
  })
})

// where a check stands in a getter, a minifier that takes getters for pure would leave it out
const built = (name: string) => import(new URL(`../../dist/${name}.js`, import.meta.url).href)
const { dense, sequential } = (await built('index')) as typeof import('../../src/index.ts')
const { freeze } = (await built('freeze')) as typeof import('../../src/freeze/index.ts')
const { fit, open } = (await built('run')) as typeof import('../../src/run/index.ts')

describe('the built library', () => {
  const net = () => sequential({ inputShape: [2], layers: [dense({ units: 1 })] })

  test('refuses a model after dispose, and what was not compiled', async () => {
    const model = net()
    await expect(model.evaluate([[1, 2]], [0])).rejects.toThrow('call compile first')
    model.dispose()
    expect(() => model.countParams()).toThrow('disposed')
    expect(() => model.summary()).toThrow('disposed')
  })

  test('refuses a trainer after dispose, and what was not compiled', async () => {
    const trainer = open(freeze(net(), { predict: [1] }))
    await expect(fit(trainer, [[1, 2]], [0])).rejects.toThrow("wasn't compiled")
    expect(() => trainer.trainStep([[1, 2]], [0])).toThrow("wasn't compiled")
    trainer.dispose()
    expect(() => trainer.predict([[1, 2]])).toThrow('disposed')
  })
})
