import type { ExplanationView } from '@cloudai/sdk';
import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { addExamples } from '../../examples.ts';
import { printTable } from '../../lists.ts';
import { printFields } from '../../output/fields.ts';
import { duration } from '../../output/format.ts';
import { printable } from '../../output/printable.ts';

export function configure(command: Command, cli: Cli): void {
  command.argument('<task>', 'id, or its first characters').action((id: string) => explain(cli, id));
  addExamples(command, { what: 'what keeps it from starting, on each worker', line: 'cloudai task explain k3f' });
}

async function explain(cli: Cli, id: string): Promise<void> {
  const client = await cli.client();
  const explanation = await client.explainTask(id, { signal: cli.signal });
  client.close();
  if (cli.json) return cli.out.json(explanation);
  if (cli.quiet) return cli.out.print(explanation.taskId);
  const { state, summary, position, waitingMs, couldEverFit, advice } = explanation;
  printFields(cli.out, [
    ['Task', explanation.taskId],
    ['State', state],
    ['Why', summary],
    ['Position', position],
    ['Waiting', waitingMs > 0 ? duration(waitingMs) : null],
    ['Can ever fit', couldEverFit ? null : 'no: no worker is large enough'],
    ['What helps', advice],
  ]);
  if (explanation.workers.length > 0) {
    cli.out.print('');
    printWorkers(cli, explanation.workers);
  }
}

function printWorkers(cli: Cli, workers: ExplanationView['workers']): void {
  printTable(
    cli,
    [
      { title: 'WORKER', value: ({ workerId }) => printable(workerId) },
      {
        title: 'FITS',
        value: ({ obstacles, couldEverFit }) => (obstacles.length === 0 ? 'now' : couldEverFit ? 'later' : 'never'),
      },
      {
        title: 'WHY NOT',
        value: ({ obstacles }) => printable(obstacles.map(({ message }) => message).join('; ')) || '-',
        shrinks: true,
      },
      {
        title: 'SCORES',
        value: ({ scores }) =>
          Object.entries(scores)
            .map(([name, score]) => `${name} ${score.toFixed(3)}`)
            .join(', ') || '-',
        shrinks: true,
      },
    ],
    workers,
  );
}
