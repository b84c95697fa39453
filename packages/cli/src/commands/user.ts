import type { UserView } from '@cloudai/sdk';
import { type Command, Option } from 'commander';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { printList } from '../lists.ts';
import { listOf } from '../option-values.ts';
import { timestamp } from '../output/format.ts';

interface SetOptions {
  readonly role?: 'admin' | 'user';
  readonly namespaces?: readonly string[];
  readonly disable?: boolean;
  readonly enable?: boolean;
}

export function configure(command: Command, cli: Cli): void {
  addExamples(
    command
      .command('list')
      .description('Users, their roles and namespaces')
      .action(() => list(cli)),
    { what: 'everybody', line: 'cloudai user list' },
  );
  addExamples(
    command
      .command('set')
      .description('Create or change a user; what is left out stays')
      .argument('<name>', 'name of the user')
      .addOption(new Option('--role <role>', 'what they may do').choices(['admin', 'user']))
      .option('--namespaces <names>', 'where they may work', listOf)
      .addOption(new Option('--disable', 'their tokens stop working').conflicts('enable'))
      .option('--enable', 'their tokens work again')
      .action((name: string, options: SetOptions) => set(cli, name, options)),
    { what: 'a new user with a token', line: 'cloudai user set ada --namespaces research && cloudai token issue ada' },
  );
}

async function list(cli: Cli): Promise<void> {
  const client = await cli.client();
  const items: UserView[] = await client.listUsers().take(Number.POSITIVE_INFINITY);
  client.close();
  printList(
    cli,
    items,
    null,
    ({ name }) => name,
    [
      { title: 'NAME', value: ({ name }) => name },
      { title: 'ROLE', value: ({ role }) => role },
      { title: 'NAMESPACES', value: ({ namespaces }) => namespaces.join(', ') || '-', shrinks: true },
      { title: 'STATE', value: ({ disabled }) => (disabled ? 'disabled' : 'active') },
      { title: 'CREATED', value: ({ createdAt }) => timestamp(createdAt) },
    ],
    'No users.',
  );
}

async function set(cli: Cli, name: string, { role, namespaces, disable, enable }: SetOptions): Promise<void> {
  const client = await cli.client();
  const user = await client.putUser(name, {
    ...(role === undefined ? {} : { role }),
    ...(namespaces === undefined ? {} : { namespaces: [...namespaces] }),
    ...(disable === true ? { disabled: true } : enable === true ? { disabled: false } : {}),
  });
  client.close();
  if (cli.json) return cli.out.json(user);
  if (cli.quiet) return cli.out.print(user.name);
  cli.out.print(
    `${user.name}: ${user.role}${user.disabled ? ', disabled' : ''}, namespaces ${user.namespaces.join(', ') || 'none'}`,
  );
}
