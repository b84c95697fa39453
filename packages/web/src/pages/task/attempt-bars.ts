import type { AttemptView, TaskView } from '@cloudai/sdk';

export interface Bar {
  readonly kind: 'queued' | 'assigned' | 'running';
  /** 0..1 of the time from submit to end. */
  readonly left: number;
  readonly width: number;
  readonly ms: number;
}

export interface AttemptBars {
  readonly label: string;
  readonly bars: readonly Bar[];
}

/** One row per attempt: the wait before it, its preparation (image, container), its run. */
export function barsOf(
  task: Pick<TaskView, 'submittedAt' | 'endedAt'>,
  attempts: readonly Pick<AttemptView, 'number' | 'assignedAt' | 'startedAt' | 'endedAt'>[],
  now: number,
): AttemptBars[] {
  const from = Date.parse(task.submittedAt);
  const to = Math.max(from + 1, task.endedAt === null ? now : Date.parse(task.endedAt));
  const bar = (kind: Bar['kind'], start: number, end: number): Bar[] => {
    const [first, last] = [clamp(start, from, to), clamp(end, from, to)];
    if (last <= first) return [];
    return [{ kind, left: (first - from) / (to - from), width: (last - first) / (to - from), ms: last - first }];
  };
  let waitsSince = from;
  const rows = attempts.map((attempt) => {
    const assigned = Date.parse(attempt.assignedAt);
    const ended = attempt.endedAt === null ? to : Date.parse(attempt.endedAt);
    const started = attempt.startedAt === null ? ended : Date.parse(attempt.startedAt);
    const bars = [
      ...bar('queued', waitsSince, assigned),
      ...bar('assigned', assigned, started),
      ...(attempt.startedAt === null ? [] : bar('running', started, ended)),
    ];
    waitsSince = ended;
    return { label: `Attempt ${attempt.number}`, bars };
  });
  const isBetween = task.endedAt === null && (attempts.length === 0 || attempts.at(-1)!.endedAt !== null);
  return isBetween
    ? [...rows, { label: attempts.length === 0 ? 'So far' : 'Since', bars: bar('queued', waitsSince, to) }]
    : rows;
}

function clamp(value: number, from: number, to: number): number {
  return Math.min(to, Math.max(from, value));
}
