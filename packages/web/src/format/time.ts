const TIME = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hour12: false,
});
const DAY = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long', hour12: false });

/** `14:03:07`, with the day in front when it is another one. */
export function clockTime(at: string | number, now: number): string {
  const date = new Date(at);
  const time = TIME.format(date);
  return new Date(now).toDateString() === date.toDateString() ? time : `${DAY.format(date)}, ${time}`;
}

/** For tooltips: everything, with the time zone. */
export function wholeTime(at: string | number): string {
  return WHOLE.format(new Date(at));
}

/** `14:03:07.123` of a log line. */
export function logTime(at: string): string {
  const date = new Date(at);
  return `${TIME.format(date)}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}
