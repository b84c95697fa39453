/**
 * Colours of terminal text. Only SGR sequences (`ESC [ ... m`) mean something here; every other escape is dropped, so
 * what a task prints can neither move a cursor nor become markup. A carriage return starts its line anew, as progress
 * bars expect.
 */
export interface AnsiStyle {
  /** `0`-`15` of the palette, or `#rrggbb`. */
  readonly color: string | null;
  readonly background: string | null;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly inverse: boolean;
}

export interface AnsiSpan {
  readonly text: string;
  readonly style: AnsiStyle;
}

export const PLAIN: AnsiStyle = {
  color: null,
  background: null,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  inverse: false,
};

/** Escape sequences: CSI, OSC and other strings up to their end, and two-character ones. */
const ESCAPE =
  /\x1b(?:\[([0-?]*)[ -/]*([@-~])|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~]?)|\x9b([0-?]*)[ -/]*([@-~])/g;
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/** One line of output in the style in which the line before it ended. */
export function parseAnsi(whole: string, start: AnsiStyle = PLAIN): { spans: AnsiSpan[]; end: AnsiStyle } {
  const line = whole.replace(/\r+$/, '');
  const spans: AnsiSpan[] = [];
  let style = start;
  let from = 0;
  for (const match of line.matchAll(ESCAPE)) {
    push(spans, line.slice(from, match.index), style);
    from = match.index + match[0].length;
    const final = match[2] ?? match[4];
    if (final === 'm') style = applySgr(style, match[1] ?? match[3] ?? '');
  }
  push(spans, line.slice(from), style);
  return { spans, end: style };
}

/** The text without any escapes: for searching. */
export function stripAnsi(line: string): string {
  return parseAnsi(line)
    .spans.map(({ text }) => text)
    .join('');
}

function push(spans: AnsiSpan[], raw: string, style: AnsiStyle): void {
  const back = raw.lastIndexOf('\r');
  if (back >= 0) spans.length = 0;
  const text = (back >= 0 ? raw.slice(back + 1) : raw).replace(CONTROL, '');
  if (text !== '') spans.push({ text, style });
}

function applySgr(start: AnsiStyle, parameters: string): AnsiStyle {
  const codes = parameters.split(/[;:]/).map((code) => Number(code));
  let style = start;
  for (let index = 0; index < codes.length; index++) {
    const code = codes[index]!;
    if (code === 38 || code === 48) {
      const [color, used] = extendedColor(codes.slice(index + 1));
      index += used;
      if (color !== null) style = { ...style, [code === 38 ? 'color' : 'background']: color };
    } else style = applyCode(style, code);
  }
  return style;
}

function applyCode(style: AnsiStyle, code: number): AnsiStyle {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 3) return { ...style, italic: true };
  if (code === 4) return { ...style, underline: true };
  if (code === 7) return { ...style, inverse: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code === 23) return { ...style, italic: false };
  if (code === 24) return { ...style, underline: false };
  if (code === 27) return { ...style, inverse: false };
  if (code === 39) return { ...style, color: null };
  if (code === 49) return { ...style, background: null };
  if (code >= 30 && code <= 37) return { ...style, color: String(code - 30) };
  if (code >= 40 && code <= 47) return { ...style, background: String(code - 40) };
  if (code >= 90 && code <= 97) return { ...style, color: String(code - 82) };
  if (code >= 100 && code <= 107) return { ...style, background: String(code - 92) };
  return style;
}

/** `5;n` of the 256 colours or `2;r;g;b`; how many numbers it took. */
function extendedColor([mode, ...rest]: readonly number[]): [color: string | null, used: number] {
  if (mode === 5) return [paletteColor(rest[0] ?? 0), 2];
  if (mode === 2) return [hex(rest[0] ?? 0, rest[1] ?? 0, rest[2] ?? 0), 4];
  return [null, mode === undefined ? 0 : 1];
}

function paletteColor(index: number): string | null {
  if (!(index >= 0 && index <= 255)) return null;
  if (index < 16) return String(index);
  if (index >= 232) return hex(8 + (index - 232) * 10, 8 + (index - 232) * 10, 8 + (index - 232) * 10);
  const cube = index - 16;
  const step = (value: number) => (value === 0 ? 0 : 55 + value * 40);
  return hex(step(Math.floor(cube / 36)), step(Math.floor(cube / 6) % 6), step(cube % 6));
}

function hex(...parts: readonly number[]): string {
  return `#${parts.map((part) => (Math.min(255, Math.max(0, part)) || 0).toString(16).padStart(2, '0')).join('')}`;
}
