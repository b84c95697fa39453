import type { CloudAI, EventView } from '@cloudai/sdk';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { printList } from '../lists.ts';
import { listOf, wholeNumber } from '../option-values.ts';
import { timestamp } from '../output/format.ts';
import { printable } from '../output/printable.ts';
import type { Column } from '../output/table.ts';

interface Options {
  readonly follow?: boolean;
  readonly after?: number;
  readonly worker?: string;
  readonly kind?: readonly string[];
  readonly limit: number;
}

export function configure(command: Command, cli: Cli): void {
  command
    .option('-f, --follow', 'go on with what happens, until Ctrl-C')
    .option('--after <sequence>', 'only events after this one, from the oldest on', wholeNumber)
    .option('-w, --worker <id>', 'only about this worker')
    .option('-k, --kind <kinds>', 'only of these kinds, separated by commas', listOf)
    .option('--limit <n>', 'how many of the past', wholeNumber, 20)
    .action((options: Options) => events(cli, options));
  addExamples(
    command,
    { what: 'what happened last', line: 'cloudai events' },
    {
      what: 'every end of a task as it happens',
      line: 'cloudai events -f -k task_completed,task_failed,task_cancelled',
    },
    { what: 'everything after an event, one JSON object a line', line: 'cloudai events -f --after 1200 --json' },
  );
}

const COLUMNS: readonly Column<EventView>[] = [
  { title: 'SEQUENCE', value: ({ sequence }) => String(sequence), align: 'right' },
  { title: 'AT', value: ({ at }) => timestamp(at) },
  { title: 'EVENT', value: ({ kind }) => printable(kind) },
  { title: 'TASK', value: ({ taskId }) => taskId ?? '-' },
  { title: 'WORKER', value: ({ worker }) => printable(worker ?? '-'), shrinks: true },
  { title: 'BY', drops: 1, value: ({ by }) => printable(by ?? '-'), shrinks: true },
  { title: 'MESSAGE', value: ({ message }) => printable(message ?? '-'), shrinks: true },
];

async function events(cli: Cli, options: Options): Promise<void> {
  const client = await cli.client(options.follow === true ? 'patient' : 'brisk');
  try {
    if (options.follow === true) await follow(cli, client, options);
    else {
      const past = await readPast(cli, client, options);
      printList(cli, past.items, null, ({ sequence }) => String(sequence), COLUMNS, 'No events.');
    }
  } finally {
    client.close();
  }
}

/** What there is, and the sequence after which it goes on. */
async function readPast(
  cli: Cli,
  client: CloudAI,
  { after, worker, kind, limit }: Options,
): Promise<{ readonly items: readonly EventView[]; readonly sequence: number }> {
  const filter = {
    ...scopeOf(cli),
    ...(worker === undefined ? {} : { worker }),
    ...(kind === undefined ? {} : { kind: kind.join(',') }),
    limit: Math.min(1000, Math.max(1, limit)),
  };
  const page =
    after === undefined
      ? await client.listEvents({ ...filter, order: 'newest' }).page()
      : await client.listEvents({ ...filter, after }).page();
  const items = after === undefined ? [...page.items].reverse() : page.items;
  return { items, sequence: page.sequence ?? items.at(-1)?.sequence ?? 0 };
}

async function follow(cli: Cli, client: CloudAI, options: Options): Promise<void> {
  const { worker, kind, after } = options;
  const watch = client.watch({ signal: cli.signal, onState: (state) => sayState(cli, state) });
  // With a cursor all of the past comes over the watch, too.
  const past = after === undefined ? await readPast(cli, client, options) : null;
  for (const event of past?.items ?? []) printEvent(cli, event);
  const filter = {
    ...scopeOf(cli),
    after: past?.sequence ?? after ?? 0,
    ...(worker === undefined ? {} : { worker }),
    ...(kind === undefined ? {} : { kinds: [...kind] }),
  };
  for await (const update of watch.stream('events', filter, { signal: cli.signal })) {
    if (update.kind === 'event') printEvent(cli, update.event);
    else if (update.kind === 'gap')
      cli.out.note(`events ${update.after + 1} to ${update.sequence} are not kept any more`);
  }
  if (watch.error !== null) throw watch.error;
}

/**
 * All that one may see, unless a namespace is asked for here: what happens to workers belongs to none, and the namespace
 * of the context would hide it.
 */
function scopeOf({ shared }: Cli): { readonly namespace?: string } {
  return { namespace: shared.namespace } as { readonly namespace?: string };
}

function sayState(cli: Cli, state: string): void {
  if (state === 'stale' && !cli.quiet && !cli.json) cli.out.note('the connection broke; trying again');
}

function printEvent(cli: Cli, event: EventView): void {
  if (cli.json) cli.out.print(JSON.stringify(event));
  else if (cli.quiet) cli.out.print(String(event.sequence));
  else {
    const { sequence, at, kind, taskId, worker, message } = event;
    const about = [taskId, worker].filter((part) => part !== null).join(' ');
    const rest = [about, message].filter((part) => part !== null && part !== '').join(': ');
    cli.out.print(`${sequence}  ${timestamp(at)}  ${cli.out.colors.bold(printable(kind))}  ${printable(rest)}`);
  }
}
