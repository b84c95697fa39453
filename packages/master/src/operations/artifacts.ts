import type { Attempt } from '@cloudai/engine';
import type { MasterContext } from '../context.ts';
import type { Operations } from './call.ts';
import { findAttempts, findTask } from './find.ts';
import { Rejected } from './rejected.ts';

export interface ByteRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

export interface ArtifactDownload {
  readonly path: string;
  readonly sizeBytes: number;
  /** `sha256:<hex>` */
  readonly digest: string;
  open(range: ByteRange | null): Promise<NodeJS.ReadableStream>;
}

/** All files of an attempt; each is opened when its turn has come. */
export interface ArchiveDownload {
  /** Without an extension. */
  readonly name: string;
  /** Of the files, which have not changed since. */
  readonly modifiedAt: number;
  readonly files: readonly ArtifactDownload[];
}

export function artifactOperations(
  context: MasterContext,
): Pick<Operations, 'listArtifacts' | 'getArtifact' | 'getArchive'> {
  return {
    /** Of every attempt, the newest first: a path may occur once per attempt. */
    async listArtifacts(call, { task: id }) {
      const attempts = await findAttempts(context, await findTask(context, call, id));
      const items = attempts.toReversed().flatMap(({ number, result }) =>
        (result?.artifacts ?? []).map(({ path, sizeBytes, digest }) => ({
          path,
          sizeBytes,
          digest,
          attempt: number,
        })),
      );
      return { items, next: null };
    },

    /** The newest attempt's file of this name, unless an attempt is asked for. */
    async getArtifact(call, { task: id, path, attempt: asked }) {
      const task = await findTask(context, call, id);
      const attempts = (await findAttempts(context, task)).toReversed();
      for (const { number, result } of attempts) {
        if (asked !== undefined && number !== asked) continue;
        // Only what the attempt's result lists is served, by exactly that name.
        const artifact = result?.artifacts.find((known) => known.path === path);
        if (artifact === undefined) continue;
        return download(context, task.id, number, artifact);
      }
      throw artifactUnknown(task.id, path);
    },

    /** Of the newest attempt that left any, unless an attempt is asked for. */
    async getArchive(call, { task: id, attempt: asked }) {
      const task = await findTask(context, call, id);
      const attempts = (await findAttempts(context, task)).toReversed();
      const chosen =
        asked === undefined
          ? attempts.find(({ result }) => (result?.artifacts.length ?? 0) > 0)
          : attempts.find(({ number }) => number === asked);
      if (chosen?.result == null)
        throw new Rejected(
          'artifact_unknown',
          `Task ${task.id} left no files${asked === undefined ? '' : ` in attempt ${asked}`}`,
        );
      const { number, result } = chosen;
      return {
        name: `${task.id}-${number}`,
        modifiedAt: chosen.endedAt ?? task.submittedAt,
        files: result.artifacts.map((artifact) => download(context, task.id, number, artifact)),
      };
    },
  };
}

type Artifact = NonNullable<Attempt['result']>['artifacts'][number];

function download(
  context: MasterContext,
  taskId: string,
  number: number,
  { path, sizeBytes, digest }: Artifact,
): ArtifactDownload {
  return {
    path,
    sizeBytes,
    digest,
    async open(range) {
      const found = await context.artifacts.open(taskId, number, path, range ?? undefined);
      if (found === null) throw artifactUnknown(taskId, path);
      return found.stream;
    },
  };
}

function artifactUnknown(task: string, path: string): Rejected {
  return new Rejected('artifact_unknown', `Task ${task} left no file ${path}; list its artifacts to see what there is`);
}
