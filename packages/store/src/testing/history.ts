/** What a real engine leaves in a store after a while of everything: successes, failures, losses, cancels, restarts. */
import type { Change, EndReason } from '@cloudai/engine';
import { TestCluster } from '@cloudai/engine/testing';

const REASONS: readonly EndReason[] = [
  'exit_zero',
  'exit_zero',
  'exit_zero',
  'exit_nonzero',
  'oom',
  'external',
  'stuck',
];

/** The same seed gives the same history. */
export function history(seed: number, steps: number): Change[] {
  const cluster = new TestCluster();
  const random = numbers(seed);
  const pick = <T>(from: readonly T[]): T => from[random(from.length)]!;
  cluster.apply({ kind: 'putUser', name: 'ann', role: 'user', namespaces: ['default'], disabled: false, by: 'admin' });
  cluster.apply({ kind: 'putNamespace', name: 'team-a', quota: null, by: 'admin' });
  const workers = [
    cluster.worker('w1', { cpu: 4, memory: 8 }),
    cluster.worker('w2', { cpu: 4, memory: 8, gpu: 2 }),
    cluster.worker('w3', { cpu: 2, memory: 4, custom: { licence: 2 } }),
  ];
  const ids: string[] = [];
  for (let step = 0; step < steps; step += 1) {
    const worker = pick(workers);
    const live = cluster.engine.liveAttempts(worker.id);
    const what = random(60);
    if (what < 20) {
      const namespace = pick(['default', 'team-a']);
      const parents = ids.filter((id) => {
        const task = cluster.engine.task(id);
        return task?.namespace === namespace && task.state !== 'failed' && task.state !== 'cancelled';
      });
      ids.push(
        cluster.submit({
          namespace,
          cpu: 1,
          gpu: random(5) === 0 ? 0.5 : 0,
          custom: random(6) === 0 ? { licence: 1 } : {},
          labels: { team: pick(['a', 'b']) },
          dependsOn: random(4) === 0 && parents.length > 0 ? [pick(parents)] : [],
          retry: { limit: random(2) },
        }),
      );
    } else if (what < 48 && live.length > 0) {
      const attempt = pick(live);
      if (attempt.state === 'assigned') worker.run(attempt.taskId);
      else if (attempt.state !== 'unknown') worker.ended(attempt.taskId, pick(REASONS));
    } else if (what < 52 && ids.length > 0) cluster.cancel(pick(ids));
    else if (what < 58) cluster.advance(random(8_000));
    else if (what === 58) {
      worker.fallSilent();
      cluster.advance(95_000);
      for (const each of workers) if (!each.alive) each.connect();
    } else {
      cluster.restart();
      for (const each of workers) each.connect();
    }
  }
  const { sink } = cluster;
  return [
    ...[...sink.jobs.values()].map((row): Change => ({ kind: 'job', row })),
    ...[...sink.workers.values()].map((row): Change => ({ kind: 'worker', row })),
    ...[...sink.namespaces.values()].map((row): Change => ({ kind: 'namespace', row })),
    ...[...sink.users.values()].map((row): Change => ({ kind: 'user', row })),
    ...[...sink.tasks.values()].map((row): Change => ({ kind: 'task', created: true, row })),
    ...[...sink.attempts.values()].map((row): Change => ({ kind: 'attempt', row })),
    ...sink.events.map((row): Change => ({ kind: 'event', row })),
    { kind: 'cluster', row: sink.cluster! },
  ];
}

/** Whole numbers below a bound, from a seed. */
export function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
