import type { AttemptView } from '@cloudai/sdk';
import { bytes, timestamp } from './output/format.ts';
import type { Colors } from './output/output.ts';
import { printable } from './output/printable.ts';
import type { Column } from './output/table.ts';
import { runTime, stateColor } from './task-columns.ts';

export function attemptColumns(colors: Colors, now: number): Column<AttemptView>[] {
  return [
    { title: 'ATTEMPT', value: (attempt) => String(attempt.number), align: 'right' },
    { title: 'WORKER', value: (attempt) => printable(attempt.worker), shrinks: true },
    { title: 'STATE', value: stateOf, paint: (cell, attempt) => stateColor(colors, attempt.state)(cell) },
    { title: 'EXIT', value: (attempt) => (attempt.exitCode === null ? '-' : String(attempt.exitCode)), align: 'right' },
    { title: 'ASSIGNED', drops: 1, value: (attempt) => timestamp(attempt.assignedAt) },
    { title: 'RAN', value: (attempt) => runTime(attempt, now) },
    {
      title: 'PEAK MEMORY',
      drops: 2,
      value: (attempt) => (attempt.peakMemoryBytes === null ? '-' : bytes(attempt.peakMemoryBytes)),
    },
    { title: 'PLACED BY', drops: 3, value: (attempt) => printable(attempt.placedBy), shrinks: true },
    { title: 'MESSAGE', value: (attempt) => printable(attempt.message ?? attempt.progress ?? '-'), shrinks: true },
  ];
}

function stateOf({ state, reason }: AttemptView): string {
  return reason === null || reason === 'exit_zero' || reason === state ? state : `${state} (${reason})`;
}
