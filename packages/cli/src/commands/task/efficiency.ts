import type { AttemptEfficiencyView, EfficiencyView } from '@cloudai/sdk';
import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { addExamples } from '../../examples.ts';
import { type Field, printFields } from '../../output/fields.ts';
import { bytes, duration, fromMillis, percent } from '../../output/format.ts';

export function configure(command: Command, cli: Cli): void {
  command.argument('<task>', 'id, or its first characters').action((id: string) => efficiency(cli, id));
  addExamples(command, { what: 'how much of its CPU and memory it used', line: 'cloudai task efficiency k3f' });
}

async function efficiency(cli: Cli, id: string): Promise<void> {
  const client = await cli.client();
  const view = await client.getTaskEfficiency(id, { signal: cli.signal });
  client.close();
  if (cli.json) return cli.out.json(view);
  if (cli.quiet) return cli.out.print(view.taskId);
  printFields(cli.out, [
    ['Task', view.taskId],
    ['State', view.state],
  ]);
  if (view.attempts.length === 0) cli.out.print('It has not been started yet.');
  for (const attempt of view.attempts) {
    cli.out.print('');
    printFields(cli.out, fieldsOf(view, attempt));
  }
}

function fieldsOf({ requested }: EfficiencyView, attempt: AttemptEfficiencyView): Field[] {
  const { cpuMillis, memoryBytes, storageBytes, gpuMillis } = requested;
  const { wallMs, cpuMs } = attempt;
  return [
    ['Attempt', `${attempt.attempt} on ${attempt.worker}, ${attempt.state}`],
    ['Ran', wallMs === null ? null : duration(wallMs)],
    ['CPU time', cpuMs === null ? null : duration(cpuMs)],
    ['CPU', wallMs === null ? null : of(attempt.cpuEfficiency, `${fromMillis(cpuMillis)} CPU × ${duration(wallMs)}`)],
    ['Memory peak', amount(attempt.memoryPeakBytes)],
    ['Memory', of(attempt.memoryEfficiency, bytes(memoryBytes))],
    ['Storage peak', storageBytes === 0 ? null : amount(attempt.storagePeakBytes)],
    ['Storage', storageBytes === 0 ? null : of(attempt.storageEfficiency, bytes(storageBytes))],
    ['GPU', gpuMillis === 0 ? null : of(attempt.gpuMean, `${fromMillis(gpuMillis)} GPU`)],
    ['Network', pair(attempt.networkRxBytes, 'in', attempt.networkTxBytes, 'out')],
    ['Disk', pair(attempt.diskReadBytes, 'read', attempt.diskWriteBytes, 'written')],
  ];
}

function of(share: number | null, asked: string): string {
  return share === null ? `not measured, of ${asked}` : `${percent(share, 1)} of ${asked}`;
}

function amount(count: number | null): string | null {
  return count === null ? null : bytes(count);
}

function pair(first: number | null, a: string, second: number | null, b: string): string | null {
  return first === null && second === null ? null : `${bytes(first ?? 0)} ${a}, ${bytes(second ?? 0)} ${b}`;
}
