import type { TaskDetail } from '@cloudai/sdk';
import type { Command } from 'commander';
import { attemptColumns } from '../../attempt-columns.ts';
import type { Cli } from '../../cli.ts';
import { addExamples } from '../../examples.ts';
import { printTable } from '../../lists.ts';
import { printFields } from '../../output/fields.ts';
import { bytes, resources, timestamp } from '../../output/format.ts';
import { printable } from '../../output/printable.ts';
import { runTime, stateColor, stateText } from '../../task-columns.ts';

export function configure(command: Command, cli: Cli): void {
  command.argument('<task>', 'id, or its first characters').action((id: string) => show(cli, id));
  addExamples(command, { what: 'the first characters of the id are enough', line: 'cloudai task show k3f' });
}

async function show(cli: Cli, id: string): Promise<void> {
  const client = await cli.client();
  const detail = await client.getTask(id, { signal: cli.signal });
  client.close();
  if (cli.json) return cli.out.json(detail);
  if (cli.quiet) return cli.out.print(detail.task.id);
  printDetail(cli, detail);
}

function printDetail(cli: Cli, { task, attempts }: TaskDetail): void {
  const now = Date.now();
  const labels = Object.entries(task.labels).map(([key, value]) => `${key}=${value}`);
  printFields(cli.out, [
    ['Task', task.id],
    ['Name', task.name],
    ['State', stateText(task), stateColor(cli.out.colors, task.state)],
    ['Message', task.message],
    ['Exit code', task.exitCode],
    ['Image', task.image],
    ['Command', task.command],
    ['Needs', `${resources(task.resources)}, ${bytes(task.resources.storageBytes)} storage`],
    ['Priority', task.priority],
    ['Worker', task.worker],
    ['Namespace', task.namespace],
    ['Owner', task.owner],
    ['Job', task.jobId],
    ['Retry of', task.retryOf],
    ['Labels', labels.length > 0 ? labels.join(', ') : null],
    ['Submitted', timestamp(task.submittedAt)],
    ['Started', task.startedAt === null ? null : timestamp(task.startedAt)],
    ['Ended', task.endedAt === null ? null : timestamp(task.endedAt)],
    ['Ran', task.startedAt === null ? null : runTime(task, now)],
  ]);
  if (attempts.length > 0) {
    cli.out.print('');
    printTable(cli, attemptColumns(cli.out.colors, now), attempts);
  }
  const artifacts = attempts.flatMap((attempt) => attempt.artifacts);
  if (artifacts.length > 0) {
    cli.out.print('');
    cli.out.print(`Artifacts (cloudai artifacts get ${task.id}):`);
    for (const { path, sizeBytes } of artifacts) cli.out.print(`  ${printable(path)}  ${bytes(sizeBytes)}`);
  }
}
