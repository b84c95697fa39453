/** Workers in the words and numbers of the older interface: `list` and `stats`. */
import type { ResourcesView, WorkerView } from '@cloudai/sdk';
import { ago, gib, percent } from './output/format.ts';
import type { Output } from './output/output.ts';
import { printable } from './output/printable.ts';

const NOTHING: ResourcesView = { cpuMillis: 0, memoryBytes: 0, storageBytes: 0, gpuMillis: 0, custom: {} };

/** Per worker: id, dot and status, address, resources with one decimal, running tasks. */
export function printLongList(out: Output, workers: readonly WorkerView[]): void {
  if (workers.length === 0) out.note('No workers. Admit one with `register ID`.');
  for (const [index, worker] of workers.entries()) {
    if (index > 0) out.print('');
    for (const line of longLines(out, worker)) out.print(line);
  }
}

function longLines(out: Output, worker: WorkerView): string[] {
  const { allocated } = worker;
  const total = worker.total ?? NOTHING;
  const available = worker.available ?? NOTHING;
  const row = (of: (view: ResourcesView) => string, suffix: string) =>
    `${of(total)}${suffix} total, ${of(allocated)}${suffix} allocated, ${of(available)}${suffix} available`;
  return [
    out.colors.bold(worker.id),
    `  Status: ${status(out, worker)}`,
    `  IP: ${printable(worker.address ?? worker.remoteAddress ?? '-')}`,
    '  Resources:',
    `    CPU:     ${row((view) => (view.cpuMillis / 1000).toFixed(1), '')}`,
    `    Memory:  ${row((view) => gib(view.memoryBytes, 1), ' GB')}`,
    `    Storage: ${row((view) => gib(view.storageBytes, 1), ' GB')}`,
    `    GPU:     ${row((view) => (view.gpuMillis / 1000).toFixed(1), '')}`,
    `  Running Tasks: ${worker.runningTasks.length}`,
  ];
}

/** `🟢 Active`, `🔴 Inactive`; what else an operator has to know stands behind it. */
export function status(_out: Output, worker: WorkerView): string {
  const notes = [
    ...(worker.state === 'active' ? [] : [worker.state]),
    ...(worker.drain === null ? [] : ['draining']),
    ...(worker.unhealthy === null ? [] : [printable(worker.unhealthy)]),
  ];
  const text = worker.state === 'active' ? '🟢 Active' : '🔴 Inactive';
  return notes.length === 0 ? text : `${text} (${notes.join(', ')})`;
}

/** The lines inside the box of `stats`. */
export function statsLines(out: Output, worker: WorkerView, now: number): string[] {
  const { allocated, usage } = worker;
  const total = worker.total ?? NOTHING;
  const available = worker.available ?? NOTHING;
  const row = (of: (view: ResourcesView) => string, suffix: string, live: string | null) =>
    `${of(total)} / ${of(allocated)} / ${of(available)}${suffix}${live === null ? '' : ` (${live})`}`;
  const share = (part: number, whole: number) => percent(whole === 0 ? 0 : part / whole, 1);
  return [
    `Status:    ${status(out, worker)}`,
    `Address:   ${printable(worker.address ?? worker.remoteAddress ?? '-')}`,
    `Last Seen: ${ago(worker.lastSeenAt, now)}`,
    '',
    'Resources (Total / Allocated / Available):',
    `  CPU:     ${row((view) => (view.cpuMillis / 1000).toFixed(2), ' cores', usage && `${percent(usage.cpu, 1)} used`)}`,
    `  Memory:  ${row((view) => gib(view.memoryBytes, 2), ' GB', usage && `${gib(usage.memoryBytes, 2)} GB used`)}`,
    `  Storage: ${row((view) => gib(view.storageBytes, 2), ' GB', null)}`,
    `  GPU:     ${row((view) => (view.gpuMillis / 1000).toFixed(2), ' devices', usage && `${percent(usage.gpu, 1)} used`)}`,
    '',
    'Resource Utilization:',
    `  CPU Allocated: ${share(allocated.cpuMillis, total.cpuMillis)}`,
    `  Mem Allocated: ${share(allocated.memoryBytes, total.memoryBytes)}`,
    `  GPU Allocated: ${share(allocated.gpuMillis, total.gpuMillis)}`,
    '',
    `Running Tasks: ${worker.runningTasks.length}`,
  ];
}
