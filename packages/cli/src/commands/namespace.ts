import type { NamespaceView, QuotaView } from '@cloudai/sdk';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { usageError } from '../errors.ts';
import { addExamples } from '../examples.ts';
import { printList } from '../lists.ts';
import { bytes, fromMillis, timestamp } from '../output/format.ts';

interface SetOptions {
  readonly cpu?: string;
  readonly memory?: string;
  readonly storage?: string;
  readonly gpu?: string;
}

export function configure(command: Command, cli: Cli): void {
  addExamples(
    command
      .command('list')
      .description('Namespaces and their quotas')
      .action(() => list(cli)),
    { what: 'those that this token may see', line: 'cloudai namespace list' },
  );
  addExamples(
    command
      .command('set')
      .description('Create a namespace or change its quota')
      .argument('<name>', 'name of the namespace')
      .option('--cpu <quantity>', 'most CPU cores that its running tasks hold together')
      .option('--memory <quantity>', 'most memory')
      .option('--storage <quantity>', 'most disk')
      .option('--gpu <quantity>', 'most GPUs')
      .option('--unlimited', 'no quota')
      .action((name: string, { unlimited, ...quota }: SetOptions & { unlimited?: boolean }) =>
        set(cli, name, quota, unlimited === true),
      ),
    { what: 'at most 32 cores and 64 GiB at once', line: 'cloudai namespace set research --cpu 32 --memory 64Gi' },
  );
}

async function list(cli: Cli): Promise<void> {
  const client = await cli.client();
  const items: NamespaceView[] = await client.listNamespaces().take(Number.POSITIVE_INFINITY);
  client.close();
  printList(
    cli,
    items,
    null,
    ({ name }) => name,
    [
      { title: 'NAME', value: ({ name }) => name },
      { title: 'QUOTA', value: ({ quota }) => (quota === null ? 'none' : bounds(quota)) },
      { title: 'CREATED', value: ({ createdAt }) => timestamp(createdAt) },
    ],
    'No namespaces.',
  );
}

/** What is bounded; the rest is not. */
function bounds({ cpuMillis, memoryBytes, storageBytes, gpuMillis, custom }: QuotaView): string {
  const parts = [
    ...(cpuMillis === null ? [] : [`${fromMillis(cpuMillis)} CPU`]),
    ...(memoryBytes === null ? [] : [bytes(memoryBytes)]),
    ...(storageBytes === null ? [] : [`${bytes(storageBytes)} disk`]),
    ...(gpuMillis === null ? [] : [`${fromMillis(gpuMillis)} GPU`]),
    ...Object.entries(custom).map(([name, count]) => `${count} ${name}`),
  ];
  return parts.length === 0 ? 'nothing bounded' : parts.join(', ');
}

async function set(cli: Cli, name: string, quota: SetOptions, unlimited: boolean): Promise<void> {
  const bounded = Object.keys(quota).length > 0;
  if (bounded && unlimited) throw usageError('--unlimited and a quota exclude each other');
  const client = await cli.client();
  const view = await client.putNamespace(name, unlimited ? { quota: null } : bounded ? { quota: { ...quota } } : {});
  client.close();
  if (cli.json) return cli.out.json(view);
  cli.out.print(cli.quiet ? view.name : `${view.name}: ${view.quota === null ? 'no quota' : bounds(view.quota)}`);
}
