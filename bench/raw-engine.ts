// The baseline of `overhead`: what one task costs when nothing but the engine itself is asked.
import type { Docker } from '../tests/e2e/docker.ts';

export interface RawTask {
  /** From the request to create until the container is removed, ms. */
  readonly totalMs: number;
  /** From the request to create until the engine's own start time of the container, ms. */
  readonly startMs: number;
}

/** create, start, wait, logs, rm: the calls that running a command to its end and keeping its output takes. */
export async function runRaw(docker: Docker, config: object): Promise<RawTask> {
  const asked = Date.now();
  const id = await docker.create(null, config);
  try {
    await docker.start(id);
    await docker.wait(id);
    await docker.logs(id);
    const { State } = await docker.inspect(id);
    if (State.ExitCode !== 0) throw new Error(`the container of the baseline ended with ${State.ExitCode}`);
    return { startMs: Date.parse(State.StartedAt) - asked, totalMs: Date.now() - asked };
  } finally {
    await docker.remove(id);
  }
}

/** Runs `count` tasks, never more than `atOnce` together. */
export async function runManyRaw(
  docker: Docker,
  config: object,
  count: number,
  atOnce: number,
): Promise<{ readonly tasks: readonly RawTask[]; readonly ms: number }> {
  const tasks: RawTask[] = [];
  const begun = performance.now();
  let left = count;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left-- > 0) tasks.push(await runRaw(docker, config));
    }),
  );
  return { tasks, ms: performance.now() - begun };
}
