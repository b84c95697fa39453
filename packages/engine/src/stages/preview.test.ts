import { expect, it } from 'vitest';
import type { SubmitTasks } from '../command.ts';
import { hashState, type SpecOptions, scenario, spec } from '../testing/index.ts';

function call(options: SpecOptions, namespace = 'default'): SubmitTasks {
  return {
    kind: 'submitTasks',
    namespace,
    owner: 'ann',
    tasks: [{ id: 'asked', name: null, spec: spec(options), retryOf: null }],
    job: null,
    idempotency: null,
    knownOutcomes: {},
  };
}

it(
  'a preview says where a task would start, and the submit then does just that',
  scenario((cluster) => {
    cluster.worker('w1', { cpu: 2 });
    cluster.worker('w2', { cpu: 4 });
    for (const options of [{ cpu: 1 }, { cpu: 3 }, { cpu: 1 }, { cpu: 5 }]) {
      const { workerId, placedBy } = cluster.engine.preview(call(options));
      const id = cluster.submit(options);
      const attempt = cluster.engine.attempt(id, 1);
      expect([workerId, placedBy]).toEqual([attempt?.workerId ?? null, attempt?.placedBy ?? null]);
      cluster.effects();
    }
  }),
);

it(
  'a preview says why a task would wait, in the words that it then has, and what would admit it',
  scenario((cluster) => {
    cluster.worker('w1', { cpu: 2 });
    const { workerId, refusal, explanation } = cluster.engine.preview(call({ cpu: 3 }));
    expect([workerId, refusal]).toEqual([null, null]);
    const id = cluster.submit({ cpu: 3 });
    const { taskId: _, position: __, ...later } = cluster.engine.explain(id, cluster.now)!;
    expect(explanation).toMatchObject(later);
    expect(cluster.engine.preview(call({ startAfter: cluster.now + 60_000 })).workerId).toBeNull();
  }),
);

it(
  'what would be refused is refused alike',
  scenario((cluster) => {
    for (const options of [{ cpu: -1 }, { targetWorker: 'w9' }, { dependsOn: ['none'] }]) {
      const { refusal, explanation } = cluster.engine.preview(call(options));
      expect(explanation).toBeNull();
      expect(refusal).toEqual(cluster.trySubmit(options));
    }
    expect(cluster.engine.preview(call({}, 'nowhere')).refusal?.code).toBe('namespace_unknown');
  }),
);

it(
  'asking changes nothing',
  scenario((cluster) => {
    cluster.worker('w1', { cpu: 2 });
    const before = hashState(cluster.engine);
    for (const cpu of [1, 2, 3, -1]) cluster.engine.preview(call({ cpu }));
    expect(hashState(cluster.engine)).toBe(before);
    cluster.engine.check();
  }),
);
