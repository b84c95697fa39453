import type { Output } from './output.ts';
import { printable } from './printable.ts';

export type Field = readonly [name: string, value: string | number | null, paint?: (text: string) => string];

/** `Name:  value` lines, aligned; fields without a value are left out. */
export function printFields(out: Output, fields: readonly Field[]): void {
  const shown = fields.filter(([, value]) => value !== null);
  const width = Math.max(...shown.map(([name]) => name.length)) + 1;
  for (const [name, value, paint] of shown) {
    const text = printable(String(value));
    out.print(`${out.colors.bold(`${name}:`.padEnd(width))}  ${paint?.(text) ?? text}`);
  }
}
