/** A page within a frame that browsers give no storage: it tells the page around it what saving and loading say. */
export const INSIDE = `<!doctype html><script type="module">
  import { dense, sequential } from '/index.js'
  import { loadFrom, saveTo } from '/browser.js'
  const model = sequential({ inputShape: [2], layers: [dense({ units: 1 })] })
  const messages = []
  for (const call of [() => saveTo(model, 'indexeddb://a'), () => loadFrom('indexeddb://a')])
    messages.push(await call().then(() => 'none', (error) => error.name + ': ' + error.message))
  parent.postMessage(messages, '*')
</script>`
