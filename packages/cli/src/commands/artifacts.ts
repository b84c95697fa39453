import type { ArtifactView } from '@cloudai/sdk';
import type { Command } from 'commander';
import { fetchArtifacts } from '../artifact-download.ts';
import type { Cli } from '../cli.ts';
import { usageError } from '../errors.ts';
import { addExamples } from '../examples.ts';
import { printList } from '../lists.ts';
import { wholeNumber } from '../option-values.ts';
import { bytes } from '../output/format.ts';
import { printable } from '../output/printable.ts';

interface GetOptions {
  readonly output?: string;
  readonly attempt?: number;
  readonly force?: boolean;
}

export function configure(command: Command, cli: Cli): void {
  addExamples(
    command
      .command('ls')
      .alias('list')
      .description('Files that a task left in /output')
      .argument('<task>', 'id, or its first characters')
      .action((id: string) => list(cli, id)),
    { what: 'path, size and digest', line: 'cloudai artifacts ls k3f' },
  );
  addExamples(
    command
      .command('get')
      .description('Download files of a task')
      .argument('<task>', 'id, or its first characters')
      .argument('[path...]', 'which of them; all without it')
      .option('-o, --output <folder>', 'where they go; - writes one file to standard output', '.')
      .option('--attempt <n>', 'of this attempt; the newest without it', wholeNumber)
      .option('--force', 'replace files that are there')
      .action((id: string, paths: string[], options: GetOptions) => get(cli, id, paths, options)),
    { what: 'everything into a folder', line: 'cloudai artifacts get k3f -o results' },
    { what: 'one file into a pipe', line: 'cloudai artifacts get k3f result.json -o - | jq .average' },
  );
}

async function list(cli: Cli, id: string): Promise<void> {
  const client = await cli.client();
  const items: ArtifactView[] = [];
  for await (const artifact of client.listArtifacts(id)) items.push(artifact);
  client.close();
  printList(
    cli,
    items,
    null,
    ({ path }) => path,
    [
      { title: 'PATH', value: ({ path }) => printable(path), shrinks: true },
      { title: 'SIZE', value: ({ sizeBytes }) => bytes(sizeBytes), align: 'right' },
      { title: 'ATTEMPT', value: ({ attempt }) => String(attempt), align: 'right' },
      { title: 'DIGEST', value: ({ digest }) => printable(digest), shrinks: true },
    ],
    'The task left no files in /output.',
  );
}

async function get(cli: Cli, id: string, paths: readonly string[], options: GetOptions): Promise<void> {
  const client = await cli.client();
  const { task, attempts } = await client.getTask(id, { signal: cli.signal });
  const wanted = choose(
    await client.listArtifacts(task.id).take(Number.POSITIVE_INFINITY),
    paths,
    options.attempt,
    attempts.length,
  );
  if (options.output === '-') {
    const [only, ...others] = wanted;
    if (only === undefined || others.length > 0) throw usageError('-o - writes exactly one file', 'Name its path.');
    const { stream } = await client.getArtifact(task.id, only.path, { attempt: only.attempt }, { signal: cli.signal });
    for await (const chunk of stream) await cli.out.write(chunk);
  } else {
    const saved = await fetchArtifacts(
      client,
      task.id,
      wanted,
      options.output ?? '.',
      options.force === true,
      cli.signal,
    );
    if (cli.json) cli.out.json({ items: saved, next: null });
    else for (const { file } of saved) cli.out.print(file);
  }
  client.close();
}

/** The newest attempt that left something, unless one is named. */
function choose(
  all: readonly ArtifactView[],
  paths: readonly string[],
  attempt: number | undefined,
  tried: number,
): ArtifactView[] {
  const newest = attempt ?? Math.max(0, ...all.map((each) => each.attempt));
  const candidates = all.filter((each) => each.attempt === newest);
  if (candidates.length === 0) {
    const which = attempt === undefined ? `in its ${tried} attempts` : `in attempt ${attempt}`;
    throw usageError(`the task left no files in /output ${which}`);
  }
  if (paths.length === 0) return candidates;
  return paths.map((path) => {
    const found = candidates.find((each) => each.path === path);
    if (found === undefined) {
      throw usageError(`the task left no ${path}`, `It left ${candidates.map((each) => each.path).join(', ')}.`);
    }
    return found;
  });
}
