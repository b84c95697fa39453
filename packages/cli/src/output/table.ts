import stringWidth from 'string-width';

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly align?: 'left' | 'right';
  /** May lose text when the terminal is too narrow; the widest of these gives first. */
  readonly shrinks?: boolean;
  /** Left out when shrinking is not enough; the highest number goes first. */
  readonly drops?: number;
  /** Colours the finished cell, which does not change its width. */
  readonly paint?: (cell: string, row: Row) => string;
}

const GAP = '  ';
/** Narrower than this a shrunk column tells nothing; then lines may wrap. */
const MIN_WIDTH = 8;

/** Lines of a table that fits into `width` columns as far as shrinking and dropping allow; null: no limit. */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: { readonly width: number | null; readonly paintTitle?: (title: string) => string },
): string[] {
  const cells = columns.map((column) => ({ column, texts: rows.map((row) => column.value(row)) }));
  const shown =
    options.width === null ? cells.map((each) => ({ ...each, width: natural(each) })) : fit(cells, options.width);
  const paintTitle = options.paintTitle ?? ((title) => title);
  const line = (cell: (each: Fitted<Row>) => string) => shown.map(cell).join(GAP).trimEnd();
  const padded = ({ column, width }: Fitted<Row>, text: string) =>
    pad(text, width, column.align ?? 'left', column === shown.at(-1)?.column);
  return [
    line((each) => paintTitle(padded(each, each.column.title))),
    ...rows.map((row, at) =>
      line((each) => {
        const cell = padded(each, each.texts[at] ?? '');
        return each.column.paint?.(cell, row) ?? cell;
      }),
    ),
  ];
}

interface Cells<Row> {
  readonly column: Column<Row>;
  readonly texts: readonly string[];
}

interface Fitted<Row> extends Cells<Row> {
  readonly width: number;
}

function natural<Row>({ column, texts }: Cells<Row>): number {
  return Math.max(stringWidth(column.title), ...texts.map((text) => stringWidth(text)));
}

function fit<Row>(cells: readonly Cells<Row>[], width: number): Fitted<Row>[] {
  let kept = [...cells];
  for (;;) {
    const widths = shrink(kept, width);
    const total = widths.reduce((sum, each) => sum + each, GAP.length * (kept.length - 1));
    const order = kept.map(({ column }) => column.drops ?? 0);
    const next = Math.max(...order);
    if (total <= width || next === 0) return kept.map((each, index) => ({ ...each, width: widths[index] ?? 0 }));
    kept = kept.toSpliced(order.indexOf(next), 1);
  }
}

function shrink<Row>(cells: readonly Cells<Row>[], width: number): number[] {
  const widths = cells.map(natural);
  let excess = widths.reduce((sum, each) => sum + each, GAP.length * (cells.length - 1)) - width;
  while (excess > 0) {
    let widest = -1;
    for (const [index, { column }] of cells.entries()) {
      const current = widths[index] ?? 0;
      if (column.shrinks === true && current > MIN_WIDTH && current > (widths[widest] ?? MIN_WIDTH)) widest = index;
    }
    if (widest === -1) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess--;
  }
  return widths;
}

function pad(text: string, width: number, align: 'left' | 'right', last: boolean): string {
  const shown = truncate(text, width);
  const missing = ' '.repeat(Math.max(0, width - stringWidth(shown)));
  if (align === 'right') return missing + shown;
  return last ? shown : shown + missing;
}

const segmenter = new Intl.Segmenter();

/** At most `width` columns, with an ellipsis where something is missing. Never cuts a character in half. */
export function truncate(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let shown = '';
  let used = 0;
  for (const { segment } of segmenter.segment(text)) {
    const next = stringWidth(segment);
    if (used + next > width - 1) break;
    shown += segment;
    used += next;
  }
  return `${shown}…`;
}
