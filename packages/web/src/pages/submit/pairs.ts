/** `key=value` pairs as people type them: one a line, or separated by commas. */
export function parsePairs(text: string, separator: '\n' | ','): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const part of text.split(separator)) {
    const at = part.indexOf('=');
    const key = (at < 0 ? part : part.slice(0, at)).trim();
    if (key !== '') pairs[key] = at < 0 ? '' : separator === '\n' ? part.slice(at + 1) : part.slice(at + 1).trim();
  }
  return pairs;
}

export function formatPairs(pairs: Readonly<Record<string, string>> | undefined, separator: '\n' | ', '): string {
  return Object.entries(pairs ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(separator);
}
