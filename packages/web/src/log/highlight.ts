import type { AnsiSpan } from '../ansi/ansi.ts';

export interface MarkedSpan extends AnsiSpan {
  readonly isMatch: boolean;
}

/** What is looked for: a plain text or a regular expression. */
export interface LogSearch {
  readonly text: string;
  readonly isRegex: boolean;
}

/** The same text with the matches in spans of their own, also where a match spans two colours. */
export function highlight(spans: readonly AnsiSpan[], search: LogSearch): MarkedSpan[] {
  const pattern = patternOf(search);
  const whole = spans.map(({ text }) => text).join('');
  const matches = pattern === null ? [] : [...whole.matchAll(pattern)].filter(([text]) => text !== '');
  const edges = matches.flatMap((match) => [match.index, match.index + match[0].length]);
  const marked: MarkedSpan[] = [];
  let at = 0;
  for (const { text, style } of spans) {
    let from = 0;
    while (from < text.length) {
      const inside = edges.filter((edge) => edge <= at + from).length % 2 === 1;
      const next = edges.find((edge) => edge > at + from) ?? Number.POSITIVE_INFINITY;
      const to = Math.min(text.length, next - at);
      marked.push({ text: text.slice(from, to), style, isMatch: inside });
      from = to;
    }
    at += text.length;
  }
  return marked;
}

/** null where there is nothing to look for, or it is no regular expression that this browser knows. */
export function patternOf({ text, isRegex }: LogSearch): RegExp | null {
  if (text === '') return null;
  if (!isRegex) return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'g');
  try {
    return new RegExp(text, 'g');
  } catch {
    return null; // The master, which searches, has its own say about it.
  }
}
