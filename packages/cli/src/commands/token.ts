import type { TokenView } from '@cloudai/sdk';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { printList } from '../lists.ts';
import { timestamp } from '../output/format.ts';

export function configure(command: Command, cli: Cli): void {
  addExamples(
    command
      .command('issue')
      .description('Make a token; it is shown this once')
      .argument('<user>', 'name of the user')
      .option('--ttl <duration>', 'how long it is valid, up to a year (90d)')
      .action((user: string, { ttl }: { ttl?: string }) => issue(cli, user, ttl)),
    { what: 'for a script that runs a week', line: 'cloudai token issue ada --ttl 7d' },
  );
  addExamples(
    command
      .command('list')
      .description('Tokens of a user, without their secrets')
      .argument('<user>', 'name of the user')
      .action((user: string) => list(cli, user)),
    { what: 'ids and when they expire', line: 'cloudai token list ada' },
  );
  addExamples(
    command
      .command('revoke')
      .description('Make a token worthless')
      .argument('<id>', 'id of the token, the part between cai_ and the next _')
      .action((id: string) => revoke(cli, id)),
    { what: 'at once and for good', line: 'cloudai token revoke 4xk2m7' },
  );
}

async function issue(cli: Cli, user: string, ttl: string | undefined): Promise<void> {
  const client = await cli.client();
  const issued = await client.issueToken(user, ttl === undefined ? {} : { ttl });
  client.close();
  if (cli.json) return cli.out.json(issued);
  if (!cli.quiet)
    cli.out.note(`Token ${issued.id} of ${user}, valid until ${timestamp(issued.expiresAt)}; it is not shown again:`);
  cli.out.print(issued.token);
}

async function list(cli: Cli, user: string): Promise<void> {
  const client = await cli.client();
  const items: TokenView[] = await client.listTokens(user).take(Number.POSITIVE_INFINITY);
  client.close();
  const now = Date.now();
  const state = ({ revoked, expiresAt }: TokenView) =>
    revoked ? 'revoked' : expiresAt !== null && Date.parse(expiresAt) < now ? 'expired' : 'valid';
  printList(
    cli,
    items,
    null,
    ({ id }) => id,
    [
      { title: 'ID', value: ({ id }) => id },
      { title: 'STATE', value: state },
      { title: 'CREATED', value: ({ createdAt }) => timestamp(createdAt) },
      { title: 'EXPIRES', value: ({ expiresAt }) => timestamp(expiresAt) },
    ],
    `${user} has no tokens.`,
  );
}

async function revoke(cli: Cli, id: string): Promise<void> {
  const client = await cli.client();
  await client.revokeToken(id);
  client.close();
  if (cli.json) cli.out.json({ id, revoked: true });
  else cli.out.print(cli.quiet ? id : `Token ${id} is revoked.`);
}
