import type { CloudAI, TaskQuery, TaskView } from '@cloudai/sdk';
import { type Command, Option } from 'commander';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { printList } from '../lists.ts';
import { listOf, wholeNumber } from '../option-values.ts';
import { taskColumns } from '../task-columns.ts';

interface Options {
  readonly state?: readonly string[];
  readonly reason?: readonly string[];
  readonly owner?: string;
  readonly worker?: string;
  readonly job?: string;
  readonly name?: string;
  readonly image?: string;
  readonly label?: readonly string[];
  readonly order?: 'newest' | 'oldest' | 'priority';
  readonly limit: number;
  readonly all?: boolean;
}

/** Largest page that the master answers. */
const PAGE = 1000;

export function configure(command: Command, cli: Cli): void {
  command
    .argument('[id]', 'only ids that begin so')
    .option('-s, --state <states>', 'pending, queued, assigned, running, completed, failed, cancelled', listOf)
    .option('--reason <reasons>', 'why they ended: oom, timeout, exit_nonzero, ...', listOf)
    .option('--owner <user>', 'submitted by')
    .option('--worker <id>', 'with an attempt on this worker')
    .option('--job <id>', 'of this job')
    .option('--name <name>', 'with this name')
    .option('--image <image>', 'of this image')
    .option('-l, --label <key=value>', 'with all of these labels', listOf)
    .addOption(new Option('--order <order>', 'newest first without it').choices(['newest', 'oldest', 'priority']))
    .option('--limit <n>', 'how many', wholeNumber, 50)
    .option('-a, --all', 'all of them')
    .action((id: string | undefined, options: Options) => tasks(cli, id, options));
  addExamples(
    command,
    { what: 'what runs now', line: 'cloudai tasks --state running' },
    { what: 'ids of all tasks that ran out of memory', line: 'cloudai tasks --reason oom --all -q' },
  );
}

async function tasks(cli: Cli, id: string | undefined, options: Options): Promise<void> {
  const client = await cli.client();
  await printTasks(cli, client, toQuery(id, options), options.all === true ? Number.POSITIVE_INFINITY : options.limit);
  client.close();
}

/** Up to `limit` tasks; `next` of the answer is the cursor after them. */
export async function printTasks(cli: Cli, client: CloudAI, query: TaskQuery, limit: number): Promise<void> {
  const items: TaskView[] = [];
  const listing = client.listTasks({ ...query, limit: Math.min(PAGE, Math.max(1, limit)) });
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof listing.page>> = await listing.page(cursor);
    items.push(...page.items.slice(0, limit - items.length));
    cursor = page.next;
  } while (cursor !== null && items.length < limit);
  printList(cli, items, cursor, (task) => task.id, taskColumns(cli.out.colors, Date.now()), 'No tasks.');
}

function toQuery(id: string | undefined, options: Options): TaskQuery {
  const { state, reason, label, owner, worker, job, name, image, order } = options;
  const texts = {
    owner,
    worker,
    job,
    name,
    image,
    order,
    id,
    state: state?.join(','),
    reason: reason?.join(','),
    label: label?.join(','),
  };
  return Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== undefined));
}
