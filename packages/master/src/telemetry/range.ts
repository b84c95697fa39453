/** Which time, and in which steps. */
import { invalid } from '../operations/rejected.ts';
import { readDuration } from '../operations/submission.ts';

export interface Range {
  readonly from: number;
  readonly to: number;
  readonly stepMs: number;
}

export interface RangeInput {
  readonly from?: string;
  readonly to?: string;
  readonly step?: string | number;
}

/** Lengths of a step that people read easily. */
const STEPS_MS = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400].map(
  (seconds) => seconds * 1000,
);
const USUAL_STEPS = 300;
export const MOST_STEPS = 5_000;
const LEAST_STEP_MS = 1_000;
const MOST_RANGE_MS = 400 * 86_400_000;
export const MINUTE_MS = 60_000;

/** `usual`: what holds where the input says nothing. */
export function readRange(
  input: RangeInput,
  now: number,
  usual: { readonly from: number; readonly to: number },
): Range {
  const to = input.to === undefined ? usual.to : readMoment(input.to, 'to', now);
  const from = input.from === undefined ? Math.min(usual.from, to) : readMoment(input.from, 'from', now);
  if (from > to) throw invalid('from', `${iso(from)} is after the end, ${iso(to)}`);
  if (to - from > MOST_RANGE_MS) throw invalid('from', 'at most 400 days are shown at once');
  const asked = readDuration(input.step, 'step');
  if (asked !== null && asked < LEAST_STEP_MS) throw invalid('step', 'the shortest step is 1s');
  const stepMs = asked ?? usualStep(to - from);
  if ((to - from) / stepMs > MOST_STEPS)
    throw invalid(
      'step',
      `${Math.ceil((to - from) / stepMs)} steps were asked for, at most ${MOST_STEPS} are answered; take a longer step`,
    );
  return { from, to, stepMs };
}

/** The range in whole steps, none of them shorter than what there is to show. */
export function alignRange({ from, to, stepMs }: Range, leastStepMs: number): Range {
  const step = Math.max(stepMs, leastStepMs);
  return { from: Math.floor(from / step) * step, to: Math.max(to, from + 1), stepMs: step };
}

function usualStep(rangeMs: number): number {
  return STEPS_MS.find((step) => rangeMs / step <= USUAL_STEPS) ?? Math.ceil(rangeMs / USUAL_STEPS);
}

/** `now`, a time, or how long ago: `-1h`, `1h`. */
function readMoment(text: string, at: string, now: number): number {
  if (text === 'now') return now;
  if (!/^\d{4}-/.test(text)) return now - readDuration(text.replace(/^-/, ''), at, { zero: true })!;
  const time = Date.parse(text);
  if (Number.isNaN(time))
    throw invalid(at, `${text} is not a time; write 2027-01-31T12:00:00Z, or -1h for an hour ago`);
  return Math.max(0, time);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
