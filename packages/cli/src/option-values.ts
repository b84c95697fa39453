/** Values of options that need more than a string. Quantities and durations go to the master as they are. */
import { InvalidArgumentError } from 'commander';

export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('A whole number is expected.');
  return Number(text);
}

/** `-l a=1 -l b=2` collects; `=` may stand in the value. */
export function keyValue(
  text: string,
  earlier: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('KEY=VALUE is expected.');
  return { ...earlier, [text.slice(0, at)]: text.slice(at + 1) };
}

/** `-d a -d b` and `-d a,b` collect. */
export function listOf(text: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, ...text.split(',').filter((part) => part !== '')];
}

/** Each use adds one; commas are part of the value. */
export function each(text: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, text];
}

/** A time with a zone, or in the zone of this machine; becomes ISO 8601 in UTC. */
export function time(text: string): string {
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new InvalidArgumentError('A time is expected, such as 2027-01-31T18:00 or ...Z.');
  return new Date(at).toISOString();
}
