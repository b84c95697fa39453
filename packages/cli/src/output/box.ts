import stringWidth from 'string-width';
import { truncate } from './table.ts';

/** Lines in a frame with a title, no wider than the terminal. */
export function box(title: string, lines: readonly string[], width: number | null): string[] {
  const wanted = Math.max(stringWidth(title) + 2, ...lines.map((line) => stringWidth(line)));
  const inner = Math.max(10, Math.min(wanted, (width ?? 100) - 4));
  const row = (text: string) => {
    const shown = truncate(text, inner);
    return `│ ${shown}${' '.repeat(Math.max(0, inner - stringWidth(shown)))} │`;
  };
  const head = ` ${truncate(title, inner - 2)} `;
  return [
    `┌─${head}${'─'.repeat(Math.max(0, inner - stringWidth(head)))}─┐`,
    ...lines.map(row),
    `└─${'─'.repeat(inner)}─┘`,
  ];
}
