import { escapeText } from './chart.ts';

export interface PageTable {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Per column the rows that are best in it. */
  readonly best?: readonly ReadonlySet<number>[];
  /** Per column what it means. */
  readonly what?: readonly string[];
}

export interface Page {
  readonly title: string;
  /** What was replayed and how: seed, commit, command. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly series: readonly string[];
  readonly tables: readonly PageTable[];
  /** SVG figures. */
  readonly charts: readonly string[];
}

/** Twelve that can be told apart, also by people who see fewer colours; dashes tell further ones. */
const COLOURS = [
  ...['#3366cc', '#dd5500', '#109c55', '#aa33aa', '#c0392b', '#0099b3'],
  ...['#8a6d00', '#5b3fd1', '#e0529c', '#4a7c23', '#7a4a2a', '#555b66'],
];
const DASHES = ['none', '6 3', '2 3', '8 3 2 3'];

/**
 * One file that needs nothing else: it opens from a disk, without a network, and runs no script. The boxes in the
 * legend hide what belongs to a scheduler, by style sheet alone.
 */
export function renderPage(page: Page): string {
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>${escapeText(page.title)}</title>`,
    `<style>${STYLE}${seriesStyle(page.series.length)}</style>`,
    '</head><body>',
    `<h1>${escapeText(page.title)}</h1>`,
    `<dl>${page.facts.map(([name, value]) => `<dt>${escapeText(name)}</dt><dd>${escapeText(value)}</dd>`).join('')}</dl>`,
    ...page.tables.map(tableOf),
    `<div class="legend">${page.series.map(legendOf).join('')}</div>`,
    `<main>${page.charts.join('\n')}</main>`,
    '</body></html>',
    '',
  ].join('\n');
}

function legendOf(name: string, series: number): string {
  return `<label><input type="checkbox" id="show${series}" checked><span class="key s${series}"></span>${escapeText(name)}</label>`;
}

function tableOf({ header, rows, best, what }: PageTable): string {
  const head = header.map(
    (title, column) => `<th title="${escapeText(what?.[column] ?? '')}">${escapeText(title)}</th>`,
  );
  const body = rows.map((row, at) => {
    const cells = row.map((cell, column) => {
      const isBest = best?.[column]?.has(at) === true;
      return `<td${isBest ? ' class="best"' : ''}>${escapeText(cell)}</td>`;
    });
    return `<tr>${cells.join('')}</tr>`;
  });
  return `<div class="wide"><table><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('\n')}</tbody></table></div>`;
}

function seriesStyle(count: number): string {
  const rules: string[] = [];
  for (let series = 0; series < count; series++) {
    const colour = COLOURS[series % COLOURS.length]!;
    const dash = DASHES[Math.floor(series / COLOURS.length) % DASHES.length]!;
    rules.push(`.line.s${series}{stroke:${colour};stroke-dasharray:${dash}}`);
    const border = dash === 'none' ? 'solid' : series < 2 * COLOURS.length ? 'dashed' : 'dotted';
    rules.push(`.bar.s${series}{fill:${colour}}.key.s${series}{border-top:3px ${border} ${colour}}`);
    rules.push(`body:has(#show${series}:not(:checked)) main .s${series}{display:none}`);
  }
  return rules.join('');
}

const STYLE = `
:root{color-scheme:light dark;--text:#1c1e21;--soft:#5f6570;--rule:#d9dce1;--page:#fff;--best:#e6f4ea}
@media(prefers-color-scheme:dark){:root{--text:#e6e8eb;--soft:#9aa1ac;--rule:#33383f;--page:#16181b;--best:#1d3a28}}
body{font:14px/1.45 system-ui,sans-serif;color:var(--text);background:var(--page);max-width:1360px;margin:24px auto;padding:0 16px}
h1{font-size:20px}dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
.wide{overflow-x:auto}table{border-collapse:collapse;margin:16px 0;font-variant-numeric:tabular-nums}
th,td{padding:4px 10px;text-align:right;border-bottom:1px solid var(--rule);white-space:nowrap}th{color:var(--soft);font-weight:600}
th:first-child,td:first-child{text-align:left}.best{background:var(--best);font-weight:600}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;position:sticky;top:0;background:var(--page);padding:8px 0;border-bottom:1px solid var(--rule)}
.legend label{display:flex;align-items:center;gap:6px}.key{width:22px;height:0;display:inline-block}
main{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,520px),1fr));gap:8px 24px}
figure{margin:16px 0 0}figcaption{font-weight:600}svg{width:100%;height:auto}
.line{fill:none;stroke-width:1.6;stroke-linejoin:round}.line:hover{stroke-width:3.5}.grid{stroke:var(--rule)}.axis{fill:var(--soft);font-size:11px}
`;
