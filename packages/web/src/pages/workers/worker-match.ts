import type { WorkerView } from '@cloudai/sdk';

/** Every word has to be found: in id, state, address, or as `key=value` among the labels. */
export function matches(
  worker: Pick<WorkerView, 'id' | 'state' | 'address' | 'remoteAddress' | 'labels' | 'drain'>,
  text: string,
): boolean {
  const labels = Object.entries(worker.labels).map(([key, value]) => `${key}=${value}`);
  const all = [
    worker.id,
    worker.state,
    worker.address ?? '',
    worker.remoteAddress ?? '',
    worker.drain === null ? '' : 'draining',
    ...labels,
  ];
  const whole = all.join('\n').toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => whole.includes(word));
}
