import { createHash, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ArtifactView, CloudAI } from '@cloudai/sdk';
import { CliError } from './errors.ts';

export interface SavedArtifact extends ArtifactView {
  /** Where it lies now. */
  readonly file: string;
}

/** Writes each file whole or not at all, and only with the content that its digest promises. */
export async function fetchArtifacts(
  client: CloudAI,
  taskId: string,
  artifacts: readonly ArtifactView[],
  folder: string,
  replace: boolean,
  signal: AbortSignal,
): Promise<SavedArtifact[]> {
  const targets = artifacts.map((artifact) => ({ artifact, file: targetOf(folder, artifact.path) }));
  for (const { file } of targets) {
    if (!replace && fs.existsSync(file)) {
      throw new CliError(
        'refused',
        `${file} is there already`,
        'Choose another folder with -o, or replace it with --force.',
      );
    }
  }
  const saved: SavedArtifact[] = [];
  for (const { artifact, file } of targets) {
    await fetchOne(client, taskId, artifact, file, signal);
    saved.push({ ...artifact, file });
  }
  return saved;
}

/** The paths come from a task: none of them may lead out of the folder. */
export function targetOf(folder: string, artifactPath: string): string {
  const root = path.resolve(folder);
  const file = path.resolve(root, artifactPath);
  const inside = file.startsWith(root.endsWith(path.sep) ? root : root + path.sep);
  if (!inside || artifactPath.includes('\0')) {
    throw new CliError('refused', `the artifact ${JSON.stringify(artifactPath)} would be written outside of ${root}`);
  }
  return path.join(folder, path.relative(root, file));
}

async function fetchOne(
  client: CloudAI,
  taskId: string,
  artifact: ArtifactView,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const partial = `${file}.${randomUUID().slice(0, 8)}.part`;
  const hash = createHash('sha256');
  try {
    const { stream } = await client.getArtifact(taskId, artifact.path, { attempt: artifact.attempt }, { signal });
    const hashed = async function* () {
      for await (const chunk of stream) {
        hash.update(chunk);
        yield chunk;
      }
    };
    await pipeline(hashed, fs.createWriteStream(partial, { flags: 'wx' }), { signal });
    const digest = `sha256:${hash.digest('hex')}`;
    if (digest !== artifact.digest) {
      throw new CliError(
        'failure',
        `${artifact.path} arrived with digest ${digest}, ${artifact.digest} is expected`,
        'Try again.',
      );
    }
    fs.renameSync(partial, file);
  } finally {
    fs.rmSync(partial, { force: true });
  }
}
