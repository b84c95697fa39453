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

export function artifactOperations(context: MasterContext): Pick<Operations, 'listArtifacts' | 'getArtifact'> {
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
        return {
          path,
          sizeBytes: artifact.sizeBytes,
          digest: artifact.digest,
          async open(range) {
            const found = await context.artifacts.open(task.id, number, path, range ?? undefined);
            if (found === null) throw artifactUnknown(task.id, path);
            return found.stream;
          },
        };
      }
      throw artifactUnknown(task.id, path);
    },
  };
}

function artifactUnknown(task: string, path: string): Rejected {
  return new Rejected('artifact_unknown', `Task ${task} left no file ${path}; list its artifacts to see what there is`);
}
