import type { TaskView } from '@cloudai/sdk';
import { age, duration } from './output/format.ts';
import type { Colors } from './output/output.ts';
import { printable } from './output/printable.ts';
import type { Column } from './output/table.ts';

export function taskColumns(colors: Colors, now: number): Column<TaskView>[] {
  return [
    { title: 'ID', value: (task) => task.id },
    { title: 'NAME', drops: 3, value: (task) => printable(task.name ?? '-'), shrinks: true },
    { title: 'STATE', value: stateText, paint: (cell, task) => stateColor(colors, task.state)(cell) },
    { title: 'WORKER', drops: 1, value: (task) => printable(task.worker ?? '-'), shrinks: true },
    { title: 'AGE', value: (task) => age(task.submittedAt, now) },
    { title: 'RAN', drops: 4, value: (task) => runTime(task, now) },
    { title: 'IMAGE', drops: 2, value: (task) => printable(task.image), shrinks: true },
    { title: 'COMMAND', value: (task) => printable(task.command), shrinks: true },
  ];
}

/** `completed`, `failed (exit 3)`, `failed (oom)`, `cancelled`. */
export function stateText(task: Pick<TaskView, 'state' | 'reason' | 'exitCode'>): string {
  if (task.state !== 'failed') return task.state;
  if (task.reason === 'exit_nonzero' && task.exitCode !== null) return `failed (exit ${task.exitCode})`;
  return task.reason === null ? 'failed' : `failed (${task.reason})`;
}

export function stateColor(colors: Colors, state: string): (text: string) => string {
  switch (state) {
    case 'running':
    case 'completed':
    case 'succeeded':
      return colors.green;
    case 'failed':
    case 'lost':
      return colors.red;
    case 'cancelled':
    case 'superseded':
      return colors.dim;
    default:
      return colors.yellow;
  }
}

export function runTime(
  { startedAt, endedAt }: { readonly startedAt: string | null; readonly endedAt: string | null },
  now: number,
): string {
  if (startedAt === null) return '-';
  return duration((endedAt === null ? now : Date.parse(endedAt)) - Date.parse(startedAt));
}
