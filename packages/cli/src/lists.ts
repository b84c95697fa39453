import type { Cli } from './cli.ts';
import { type Column, renderTable } from './output/table.ts';

/** A list for people as a table, with `--json` as the API has it, with `--quiet` as ids. */
export function printList<Row>(
  cli: Cli,
  items: readonly Row[],
  next: string | null,
  id: (row: Row) => string,
  columns: readonly Column<Row>[],
  empty: string,
): void {
  if (cli.json) cli.out.json({ items, next });
  else if (cli.quiet) for (const item of items) cli.out.print(id(item));
  else if (items.length === 0) cli.out.note(empty);
  else printTable(cli, columns, items);
  if (next !== null && !cli.json && !cli.quiet) cli.out.note('More follow; see them with --limit or --all.');
}

export function printTable<Row>(cli: Cli, columns: readonly Column<Row>[], rows: readonly Row[]): void {
  const { width, colors } = cli.out;
  for (const line of renderTable(columns, rows, { width, paintTitle: colors.bold })) cli.out.print(line);
}
