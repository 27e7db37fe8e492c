// What the build makes of a module's top level (scripts/functions.mjs, scripts/order.mjs): another text that does the same.
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
    const made = withFunctions(scriptOf(code))
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
    )
    expect(((await run(code)).read as () => unknown)()).toEqual([0, 1, 1])
  })

  test('a function finds its lines in the sources after it has moved', async () => {
    const { code, map } = withFunctions({
      code: 'const f=e=>{\nreturn e}\nexport{f}',
      map: { version: 3, sources: ['f.ts'], names: [], mappings: 'AAAA,OAAO;AACP;AACA' },
    })
    expect(code).toBe('function f(e){\nreturn e}\nexport{f}')
    expect(map).toMatchObject({ sources: ['f.ts'] })
    expect((map as { mappings: string }).mappings.split(';').length).toBe(3)
  })
})
