import fs from 'node:fs';
import type { SchedulerChoice, SchedulerView } from '@cloudai/sdk';
import { type Command, Option } from 'commander';
import type { Cli } from '../cli.ts';
import { usageError } from '../errors.ts';
import { addExamples } from '../examples.ts';
import { printTable } from '../lists.ts';
import { type Field, printFields } from '../output/fields.ts';
import { fromMillis } from '../output/format.ts';
import { printable } from '../output/printable.ts';

export function configure(command: Command, cli: Cli): void {
  addExamples(
    command
      .command('show')
      .description('How tasks are ordered and placed')
      .action(async () => {
        const view = await getScheduler(cli);
        if (cli.json) cli.out.json(view);
        else if (cli.quiet) cli.out.print(view.placement);
        else printFields(cli.out, fieldsOf(view));
      }),
    { what: 'policies, and how fragmented the free resources are', line: 'cloudai scheduler show' },
    { what: 'the name of the placement policy alone', line: 'cloudai scheduler show -q' },
  );
  addExamples(
    command
      .command('list')
      .description('All placement policies and orders')
      .action(async () => list(cli, await getScheduler(cli))),
    { what: 'names and what they do', line: 'cloudai scheduler list' },
  );
  addExamples(
    command
      .command('use')
      .description('Choose how tasks are ordered and placed; what is not named stays')
      .argument('[policy]', 'name of a placement policy')
      .option('--namespace-policy <name>', 'only for the tasks of this namespace; "none" as policy ends it')
      .option('--pool <name>', 'only for tasks that select pool=NAME; "none" as policy ends it')
      .option('--order <name>', 'order of the queue; "auto": the one that belongs to the policy')
      .addOption(
        new Option('--backfill <how>', 'what happens behind a task that does not fit').choices([
          ...['greedy', 'strict', 'easy', 'conservative'],
        ]),
      )
      .option('--starvation <duration>', 'a task that waits so long goes first; "never"')
      .option('--ageing <duration>', 'waiting that makes up for one step of priority')
      .addOption(new Option('--preemption <on|off>', 'stop tasks of lower priority').choices(['on', 'off']))
      .option('--parameters <file>', 'parameters of the policy rts, as JSON')
      .action((policy: string | undefined, options: UseOptions) => use(cli, policy, options)),
    { what: 'spread tasks over the workers', line: 'cloudai scheduler use balanced' },
    {
      what: 'short tasks first, large ones not put off',
      line: 'cloudai scheduler use --order sjf-predicted --backfill easy',
    },
    { what: 'another policy for the workers of a pool', line: 'cloudai scheduler use fgd --pool gpu' },
  );
}

interface UseOptions {
  readonly namespacePolicy?: string;
  readonly pool?: string;
  readonly order?: string;
  readonly backfill?: SchedulerChoice['backfill'];
  readonly starvation?: string;
  readonly ageing?: string;
  readonly preemption?: 'on' | 'off';
  readonly parameters?: string;
}

async function getScheduler(cli: Cli): Promise<SchedulerView> {
  const client = await cli.client();
  const view = await client.getScheduler({ signal: cli.signal });
  client.close();
  return view;
}

function fieldsOf(view: SchedulerView): Field[] {
  const { freeGpuMillis, fragmentedGpuMillis, freeCpuMillis, fragmentedCpuMillis } = view.fragmentation;
  const unusable = (part: number, all: number) =>
    `${fromMillis(part)} of ${fromMillis(all)} free can not be used as asked`;
  const card = view.available.find(({ name }) => name === view.placement);
  return [
    ['Placement', `${view.placement}${card === undefined ? '' : `, version ${card.version}: ${card.summary}`}`],
    ['Order', view.ordering],
    ['Backfilling', view.backfill],
    ['Age limit', view.starvationMs === null ? 'none' : `${view.starvationMs / 1000} s`],
    ['Ageing', view.ageingSeconds === null ? null : `a step of priority in ${view.ageingSeconds} s`],
    ['Preemption', view.preemption ? 'on' : 'off'],
    ...view.scopes.map(({ kind, name, placement }): Field => [`${kind} ${name}`, placement]),
    ['CPU', unusable(fragmentedCpuMillis, freeCpuMillis)],
    ['GPU', freeGpuMillis === 0 ? null : unusable(fragmentedGpuMillis, freeGpuMillis)],
  ];
}

function list(cli: Cli, view: SchedulerView): void {
  if (cli.json) {
    cli.out.json(view);
    return;
  }
  if (cli.quiet) {
    for (const { name } of view.available) cli.out.print(name);
    return;
  }
  const table = (title: string, cards: SchedulerView['available'], active: string) =>
    printTable(
      cli,
      [
        { title: '', value: ({ name }) => (name === active ? '*' : '') },
        { title, value: ({ name }) => printable(name) },
        { title: 'WHAT IT DOES', value: ({ summary }) => printable(summary), shrinks: true },
      ],
      cards,
    );
  table('PLACEMENT', view.available, view.placement);
  cli.out.print('');
  table('ORDER', view.orderings, view.ordering);
}

async function use(cli: Cli, policy: string | undefined, options: UseOptions): Promise<void> {
  const choice = choiceOf(policy, options);
  if (Object.keys(choice).length === 0)
    throw usageError('nothing is chosen', 'Name a placement policy, or an option such as --order; see --help.');
  const client = await cli.client();
  const view = await client.useScheduler(choice);
  client.close();
  if (cli.json) cli.out.json(view);
  else if (cli.quiet) cli.out.print(view.placement);
  else cli.out.print(saysOf(view, policy, options));
}

function choiceOf(policy: string | undefined, options: UseOptions): SchedulerChoice {
  const { namespacePolicy, pool, order, backfill, starvation, ageing, preemption, parameters } = options;
  if (namespacePolicy !== undefined && pool !== undefined)
    throw usageError('--namespace-policy and --pool are two choices', 'Make them one after the other.');
  const scope = scopeOf(namespacePolicy, pool);
  if (scope !== null && policy === undefined)
    throw usageError('the policy is missing', 'Name it, or "none" to end it.');
  return {
    ...(policy === undefined ? {} : { placement: scope !== null && policy === 'none' ? null : policy }),
    ...(scope === null ? {} : { scope }),
    ...(order === undefined ? {} : { ordering: order === 'auto' ? null : order }),
    ...(backfill === undefined ? {} : { backfill }),
    ...(starvation === undefined ? {} : { starvation: starvation === 'never' ? null : starvation }),
    ...(ageing === undefined ? {} : { ageing }),
    ...(preemption === undefined ? {} : { preemption: preemption === 'on' }),
    ...(parameters === undefined ? {} : { risk: readParameters(parameters) }),
  };
}

function scopeOf(
  namespace: string | undefined,
  pool: string | undefined,
): NonNullable<SchedulerChoice['scope']> | null {
  if (namespace !== undefined) return { kind: 'namespace', name: namespace };
  return pool === undefined ? null : { kind: 'pool', name: pool };
}

/** The master says what is wrong with the content. */
function readParameters(file: string): NonNullable<SchedulerChoice['risk']> {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')) as NonNullable<SchedulerChoice['risk']>;
  } catch (error) {
    throw usageError(`cannot read ${file}: ${(error as Error).message}`);
  }
}

function saysOf(view: SchedulerView, policy: string | undefined, { namespacePolicy, pool }: UseOptions): string {
  const scope = scopeOf(namespacePolicy, pool);
  if (scope !== null) {
    const own = policy === 'none' ? `${view.placement}, as all others` : policy;
    return `Tasks of ${scope.kind} ${scope.name} are placed by ${own} from now on.`;
  }
  const order = `ordered by ${view.ordering} (${view.backfill})`;
  return policy === undefined
    ? `Tasks are ${order} from now on.`
    : `Tasks are placed by ${view.placement} from now on, ${order}.`;
}
