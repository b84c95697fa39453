// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;
const NAMES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\u001b': '\\e' };

/**
 * Text from elsewhere (a command, a message, a name) on one line of a terminal: control characters are shown instead
 * of carried out, so that nobody's task can repaint an operator's screen.
 */
export function printable(text: string): string {
  return text.replace(CONTROL, (char) => NAMES[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
