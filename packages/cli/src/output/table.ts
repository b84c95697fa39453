import stringWidth from 'string-width';

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly align?: 'left' | 'right';
  /** May lose text when the terminal is too narrow; the widest of these gives first. */
  readonly shrinks?: boolean;
  /** Colours the finished cell, which does not change its width. */
  readonly paint?: (cell: string, row: Row) => string;
}

const GAP = '  ';
/** Narrower than this a shrunk column tells nothing; then lines may wrap. */
const MIN_WIDTH = 8;

/** Lines of a table that fits into `width` columns as far as its shrinking columns allow; null: no limit. */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: { readonly width: number | null; readonly paintTitle?: (title: string) => string },
): string[] {
  const cells = rows.map((row) => columns.map((column) => column.value(row)));
  const natural = columns.map((column, index) =>
    Math.max(stringWidth(column.title), ...cells.map((line) => stringWidth(line[index] ?? ''))),
  );
  const widths = options.width === null ? natural : fit(natural, columns, options.width);
  const paintTitle = options.paintTitle ?? ((title) => title);
  const line = (texts: readonly string[], paint: (text: string, index: number) => string) =>
    columns
      .map((column, index) => {
        const last = index === columns.length - 1 && column.align !== 'right';
        return paint(pad(texts[index] ?? '', widths[index] ?? 0, column.align ?? 'left', last), index);
      })
      .join(GAP)
      .trimEnd();
  return [
    line(
      columns.map((column) => column.title),
      paintTitle,
    ),
    ...rows.map((row, at) => line(cells[at] ?? [], (text, index) => columns[index]?.paint?.(text, row) ?? text)),
  ];
}

function fit(natural: readonly number[], columns: readonly Column<never>[], width: number): number[] {
  const widths = [...natural];
  const gaps = GAP.length * (columns.length - 1);
  let excess = widths.reduce((sum, each) => sum + each, gaps) - width;
  while (excess > 0) {
    let widest = -1;
    for (const [index, column] of columns.entries()) {
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
