// Colors of the plots and of the report's page. Plots are drawn in the light ones, as plain hex values, which every
// viewer of SVG understands; a style sheet exchanges each for its dark one where the reader prefers dark.

export const LIGHT = {
  card: '#ffffff',
  line: '#dde2e9',
  ink: '#1b2430',
  muted: '#5b6878',
  ours: '#1c6fc4',
  peer: '#8593a5',
  limit: '#d9620f',
  teal: '#1d8a7a',
  violet: '#8a5cc0',
  ochre: '#a87a14',
  rose: '#c24d76',
}

/** @type {typeof LIGHT} */
const DARK = {
  card: '#1a2029',
  line: '#36414f',
  ink: '#e7ecf3',
  muted: '#9aa7b8',
  ours: '#62b0ff',
  peer: '#7c8a9c',
  limit: '#ff9a4d',
  teal: '#4cc9b4',
  violet: '#b794ee',
  ochre: '#dcb04a',
  rose: '#f08cae',
}

/** The colors of peers where lines have to be told apart, in the order of their appearance. */
export const HUES = [LIGHT.teal, LIGHT.violet, LIGHT.ochre, LIGHT.rose, LIGHT.peer, LIGHT.muted]

const keys = /** @type {(keyof typeof LIGHT)[]} */ (Object.keys(LIGHT))

/** The style sheet of a plot: `svg` is a selector of the plots it is for. @param {string} svg */
export const plotStyle = (svg) =>
  `@media (prefers-color-scheme:dark){${keys
    .flatMap((key) =>
      ['fill', 'stroke'].map((what) => `${svg} [${what}="${LIGHT[key]}"]{${what}:${DARK[key]}}`),
    )
    .join('')}}`

/** @param {typeof LIGHT} colors */
const properties = (colors) => keys.map((key) => `--${key}:${colors[key]};`).join('')

/** The style sheet of the report's page. */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--ground:#f5f6f8;${properties(LIGHT)}}
@media (prefers-color-scheme:dark){:root{--ground:#12161c;${properties(DARK)}}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:848px;padding:24px;background:var(--ground);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-variant-numeric:tabular-nums}
h1{font-size:22px;margin:0}
h2{font-size:17px;margin:40px 0 10px}
p{margin:4px 0}
.fine{color:var(--muted);font-size:13px}
nav{display:flex;flex-wrap:wrap;gap:4px 16px;margin:14px 0 0}
a{color:var(--ours)}
code{font:13px ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}
figure{margin:0 0 14px}
figure svg{display:block;max-width:100%;height:auto}
.narrow{display:none}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:10px}
table{border-collapse:collapse;width:100%;font-size:13px}
th,td{padding:5px 12px;text-align:right;white-space:nowrap;border-top:1px solid var(--line);font-weight:400}
thead th{border-top:0;color:var(--muted)}
th:first-child,td:first-child,.text{text-align:left}
tr.ours td{color:var(--ours);font-weight:600}
tr.ours td:first-child{color:inherit;font-weight:400}
tbody tr:not(.first) td:first-child{color:transparent;user-select:none}
tbody tr:not(.first) td{border-top-color:transparent;padding-top:0}
summary{cursor:pointer;padding:6px 0;font-size:14px}
@media (max-width:640px){body{padding:14px}.wide{display:none}.narrow{display:block}th,td{padding:5px 9px}}
${plotStyle('figure svg')}
`
