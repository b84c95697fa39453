// The baseline of `overhead`: what one task costs when nothing but the engine itself is asked.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ContainerDetail, Docker } from '../tests/e2e/docker.ts';

export interface RawTask {
  /** From the request to create until the container is removed, ms. */
  readonly totalMs: number;
  /** From the request to create until the engine's own start time of the container, ms. */
  readonly startMs: number;
}

/** What to ask the engine for, so that it makes a container just like this one. */
export function recipeOf({ Config, HostConfig }: ContainerDetail, command: readonly string[]): object {
  const { Image, Env, Labels, Entrypoint, WorkingDir } = Config;
  return {
    Image,
    Env,
    Entrypoint,
    WorkingDir,
    Cmd: command,
    Labels: Object.fromEntries(Object.entries(Labels).filter(([name]) => !name.startsWith('ai.cloudai.'))),
    HostConfig,
  };
}

/** create, start, wait, logs, rm: the calls that running a command to its end and keeping its output takes. */
export async function runRaw(docker: Docker, recipe: object): Promise<RawTask> {
  const asked = Date.now();
  const output = fs.mkdtempSync(path.join(os.tmpdir(), 'cai-raw-'));
  const id = await docker.create(null, withOutput(recipe, output));
  try {
    await docker.start(id);
    await docker.wait(id);
    await docker.logs(id);
    const { State } = await docker.inspect(id);
    if (State.ExitCode !== 0) throw new Error(`the container of the baseline ended with ${State.ExitCode}`);
    await docker.remove(id);
    return { startMs: Date.parse(State.StartedAt) - asked, totalMs: Date.now() - asked };
  } finally {
    await docker.remove(id);
    fs.rmSync(output, { recursive: true });
  }
}

/** Runs `count` tasks, never more than `atOnce` together. */
export async function runManyRaw(
  docker: Docker,
  recipe: object,
  count: number,
  atOnce: number,
): Promise<{ readonly tasks: readonly RawTask[]; readonly ms: number }> {
  const tasks: RawTask[] = [];
  const begun = performance.now();
  let left = count;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left-- > 0) tasks.push(await runRaw(docker, recipe));
    }),
  );
  return { tasks, ms: performance.now() - begun };
}

/** The folder for /output is mounted from the host, one of its own for each container. */
function withOutput(recipe: object, folder: string): object {
  const { HostConfig } = recipe as { HostConfig: { Mounts?: readonly { Target: string }[] } };
  const mounts = (HostConfig.Mounts ?? []).map((mount) =>
    mount.Target === '/output' ? { ...mount, Source: folder } : mount,
  );
  return { ...recipe, HostConfig: { ...HostConfig, Mounts: mounts } };
}
