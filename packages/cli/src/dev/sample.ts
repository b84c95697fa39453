import type { CloudAI } from '@cloudai/sdk';
import type { Cli } from '../cli.ts';
import { exitCodeOfTask } from '../exit-codes.ts';
import { endLine, followTask } from '../follow.ts';
import { bytes } from '../output/format.ts';

export const SAMPLE_IMAGE = 'cloudai/sample-task-1:local';

/** Runs sample task 1 through the API as any user would; shows its log, its result and its files. */
export async function runSample(
  cli: Cli,
  client: CloudAI,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<number> {
  const { id } = await client.submitTask(
    {
      name: 'sample-task-1',
      image: SAMPLE_IMAGE,
      resources: { cpu: '0.5', memory: '256Mi', storage: '100Mi' },
      // It is made on this machine; no registry has it.
      pull: 'never',
    },
    { signal },
  );
  say(`sample task 1 is submitted as ${id}; its log:`);
  const end = await followTask(cli, client, id, signal);
  say(`task ${id} ${endLine(end)}`);
  for await (const { path, sizeBytes, attempt } of client.listArtifacts(id)) {
    const { stream } = await client.getArtifact(id, path, { attempt }, { signal });
    say(`artifact ${path} (${bytes(sizeBytes)}); fetch it with: cloudai artifacts get ${id} ${path}`);
    for await (const chunk of stream) await cli.out.write(chunk);
  }
  return exitCodeOfTask(end);
}
