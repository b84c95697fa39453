import { describe, expect, test } from 'vitest';
import type { Task } from '../model/task.ts';
import type { QuotaState } from '../model/tenancy.ts';
import type { Worker } from '../model/worker.ts';
import { NOTHING_KNOWN } from '../policy/policy.ts';
import { placementPolicy } from '../policy/registry.ts';
import { type Amounts, resources, roomOf, specRow, taskRow, workerRow } from '../testing/rows.ts';
import { claimOf, type KnownWorker } from './claim.ts';
import { type ExplainView, explain, waitingMessage } from './explain.ts';

interface Scene {
  /** Each worker with what is taken of it. */
  readonly workers?: readonly (readonly [Worker, Amounts])[];
  readonly quota?: QuotaState;
  readonly policy?: string;
  readonly cursor?: string;
  readonly failedOn?: readonly string[];
  readonly blocked?: ReturnType<ExplainView['blocked']>;
  readonly promised?: ReturnType<ExplainView['promised']>;
}

function viewOf({ workers = [], quota, policy = 'greedy', cursor, failedOn = [], ...rest }: Scene): ExplainView {
  const { blocked = null, promised = null } = rest;
  const known = workers.map(([worker, taken]): KnownWorker => {
    if (worker.capacity === null) return { worker, ledger: null };
    const room = roomOf(worker);
    room.ledger.reserve(resources(taken));
    return room;
  });
  return {
    workers: known,
    policy: placementPolicy(policy)!,
    cursor: cursor ?? null,
    knowledge: NOTHING_KNOWN,
    failedOn: () => failedOn,
    position: () => 3,
    blocked: () => blocked,
    promised: () => promised,
    quota: () => quota ?? null,
  };
}

function task(amounts: Amounts, rest: Partial<Task> = {}, spec: Partial<Task['spec']> = {}): Task {
  return taskRow('t', specRow(amounts, spec), rest);
}

const w = (n: number, amounts: Amounts, rest: Partial<Worker> = {}) => workerRow(`worker-${n}`, amounts, rest);

describe('a task that waits for room', () => {
  test('A0-T2: with a single worker the summary is its refusal, and the advice the largest request that fits', () => {
    const told = explain(task({ cpu: 3 }), viewOf({ workers: [[w(1, { cpu: 4 }), { cpu: 2 }]] }), 5000);
    expect(told).toEqual({
      taskId: 't',
      state: 'queued',
      summary: 'Insufficient CPU: worker has 2.00 available, task requires 3.00',
      position: 3,
      waitingMs: 5000,
      couldEverFit: true,
      workers: [
        {
          workerId: 'worker-1',
          obstacles: [
            {
              kind: 'insufficient',
              resource: 'cpu',
              available: 2000,
              required: 3000,
              capacity: 4000,
              message: 'Insufficient CPU: worker has 2.00 available, task requires 3.00',
            },
          ],
          couldEverFit: true,
          scores: {},
        },
      ],
      advice: 'ask for 2 CPU or less: worker-1 has 2.00 available',
    });
  });

  test('with a target it is the refusal of the target, which may be unknown', () => {
    const workers = [
      [w(1, { cpu: 4 }), {}],
      [w(2, { cpu: 1 }), {}],
    ] as const;
    const told = explain(task({ cpu: 2 }, {}, { targetWorker: 'worker-2' }), viewOf({ workers }), 0);
    expect(told.summary).toBe('Insufficient CPU: worker has 1.00 available, task requires 2.00');
    expect(told.advice).toBe('let any worker take it: worker-1 has room');
    expect(told.couldEverFit).toBe(false);
    const unknown = explain(task({ cpu: 2 }, {}, { targetWorker: 'worker-9' }), viewOf({ workers }), 0);
    expect(unknown.summary).toBe('Worker worker-9 not found');
  });

  test('with several workers it counts what is in the way', () => {
    const workers = [
      [w(1, { cpu: 4, memory: 8 }), { cpu: 3 }],
      [w(2, { cpu: 4, memory: 8 }), { cpu: 3 }],
      [w(3, { cpu: 8, memory: 1 }), {}],
      [w(4, { cpu: 8, memory: 8 }, { drain: { since: 0, deadlineAt: null, reason: null } }), {}],
      [w(5, {}, { state: 'registered', connected: false, capacity: null }), {}],
      [w(6, { cpu: 8 }, { state: 'revoked', connected: false }), {}],
    ] as const;
    const told = explain(task({ cpu: 2, memory: 2 }), viewOf({ workers }), 0);
    expect(told.summary).toBe(
      'No suitable worker available with sufficient resources: of 5 workers 2 lack CPU, 1 is draining, 1 lacks Memory, 1 is not connected',
    );
    expect(told.workers.map(({ workerId }) => workerId)).toEqual([1, 2, 3, 4, 5].map((n) => `worker-${n}`));
    expect(told.advice).toBe('ask for 1 CPU or less: worker-1 has 1.00 available');
  });

  test('E-52: one that no worker could ever take is told so, with the largest that there is', () => {
    const workers = [
      [w(1, { cpu: 4, memory: 8 }), { cpu: 3 }],
      [w(2, { cpu: 6, memory: 8 }), {}],
    ] as const;
    const told = explain(task({ cpu: 12, memory: 9 }), viewOf({ workers }), 0);
    expect(told.couldEverFit).toBe(false);
    expect(told.advice).toBe(
      'ask for 6 CPU and 8Gi memory or less: worker-2 has 6.00 and 8.00 GB (CPU, memory) in all',
    );
  });

  test('where nothing is left, waiting is the advice', () => {
    const told = explain(task({ cpu: 2 }), viewOf({ workers: [[w(1, { cpu: 4 }), { cpu: 4 }]] }), 0);
    expect(told.advice).toBe('wait until something ends: worker-1 could take it when it has room');
  });

  test('an amount of memory is rounded to what people write', () => {
    const told = explain(task({ memory: 4 }), viewOf({ workers: [[w(1, { memory: 8 }), { memory: 4.3 }]] }), 0);
    expect(told.advice).toBe('ask for 3788Mi memory or less: worker-1 has 3.70 GB available');
  });

  test('GPUs: what one request could have, whatever is free in sum', () => {
    const half = explain(task({ gpu: 0.9 }), viewOf({ workers: [[w(1, { gpu: 1 }), { gpu: 0.5 }]] }), 0);
    expect(half.advice).toBe('ask for 0.5 GPU or less: worker-1 has 0.50 available');
    const whole = explain(task({ gpu: 4 }), viewOf({ workers: [[w(1, { gpu: 4 }), { gpu: 1 }]] }), 0);
    expect(whole.advice).toBe('ask for 3 GPU or less: worker-1 has 3.00 available');
  });

  test('labels and drains', () => {
    const zone = explain(
      task({ cpu: 1 }, {}, { selector: { zone: 'b' } }),
      viewOf({
        workers: [
          [w(1, { cpu: 4 }), {}],
          [w(2, { cpu: 4 }, { labels: { zone: 'b' } }), { cpu: 4 }],
        ],
      }),
      0,
    );
    expect(zone.advice).toBe('leave out the selector zone=b, or give worker worker-1 these labels: it has room');
    const drained = w(1, { cpu: 4 }, { drain: { since: 0, deadlineAt: null, reason: null } });
    const told = explain(task({ cpu: 1 }), viewOf({ workers: [[drained, {}]] }), 0);
    expect([told.summary, told.advice]).toEqual([
      'Worker worker-1 is draining',
      'end the drain of worker worker-1: it has room',
    ]);
    const lost = w(1, { cpu: 4 }, { state: 'lost', connected: false });
    expect(explain(task({ cpu: 1 }), viewOf({ workers: [[lost, {}]] }), 0).advice).toBe(
      'bring worker worker-1 back: Worker worker-1 is not active: it was lost',
    );
  });

  test('no worker at all', () => {
    const told = explain(task({ cpu: 1 }), viewOf({}), 0);
    expect([told.summary, told.advice, told.couldEverFit]).toEqual([
      'No suitable worker available: no worker is registered',
      'register a worker and connect it',
      false,
    ]);
  });

  test('a worker that is avoided says so while another one could take it', () => {
    const workers = [
      [w(1, { cpu: 4 }), {}],
      [w(2, { cpu: 4 }), { cpu: 4 }],
    ] as const;
    const told = explain(task({ cpu: 1 }, { suspectWorkers: ['worker-1'] }), viewOf({ workers }), 0);
    expect(told.workers[0]!.obstacles.map(({ kind }) => kind)).toEqual(['avoided']);
    expect(told.summary).toContain('of 2 workers 1 is avoided after a loss, 1 lacks CPU');
    const alone = explain(task({ cpu: 1 }, { suspectWorkers: ['worker-1'] }), viewOf({ workers: [workers[0]] }), 0);
    expect(alone.workers[0]!.obstacles).toEqual([]);
  });
});

test('a worker that failed the task says so while another one has room, and is as good as any once none has', () => {
  const [one, two] = [w(1, { cpu: 4 }), w(2, { cpu: 4 })];
  const kinds = (taken: number) =>
    explain(
      task({ cpu: 1 }),
      viewOf({
        workers: [
          [one, {}],
          [two, { cpu: taken }],
        ],
        failedOn: ['worker-1'],
      }),
      0,
    ).workers.map(({ obstacles }) => obstacles.map(({ kind }) => kind));
  expect(kinds(3)).toEqual([['avoided'], []]);
  expect(kinds(4)).toEqual([[], ['insufficient']]);
});

describe('a task that fits', () => {
  const workers = [
    [w(1, { cpu: 4 }), {}],
    [w(2, { cpu: 4 }), { cpu: 1 }],
    [w(3, { cpu: 4 }), { cpu: 4 }],
  ] as const;

  test('waits for its turn only, and each worker shows its score', () => {
    const told = explain(task({ cpu: 1 }), viewOf({ workers }), 0);
    expect([told.summary, told.advice]).toEqual(['Waits for its turn: position 3 in the queue', null]);
    expect(told.workers.map(({ scores }) => scores)).toEqual([{ freeCpu: 4 }, { freeCpu: 3 }, {}]);
    expect(waitingMessage(claimOf(task({ cpu: 1 }), []), viewOf({ workers }))).toBe(null);
  });

  test('or, with round-robin, how far its turn is', () => {
    const told = explain(task({ cpu: 1 }), viewOf({ workers, policy: 'round-robin', cursor: 'worker-1' }), 0);
    expect(told.workers.map(({ scores }) => scores)).toEqual([{ turnsAway: 2 }, { turnsAway: 0 }, {}]);
  });
});

describe('a quota', () => {
  const workers = [[w(1, { cpu: 9 }), {}]] as const;

  test('that is used up is the reason, with what is left', () => {
    const quota = { limit: resources({ cpu: 4 }), used: resources({ cpu: 3 }) };
    const told = explain(task({ cpu: 2 }), viewOf({ workers, quota }), 0);
    expect(told.summary).toBe('Quota of namespace default reached: 1.00 of 4.00 CPU left, task requires 2.00');
    expect(told.advice).toBe('wait until other tasks of namespace default end, or raise its quota: 1.00 CPU is left');
    expect(told.couldEverFit).toBe(true);
  });

  test('that is smaller than the request lets it never run', () => {
    const quota = { limit: resources({ cpu: 4 }), used: resources({}) };
    const told = explain(task({ cpu: 5 }), viewOf({ workers, quota }), 0);
    expect(told.couldEverFit).toBe(false);
    expect(told.advice).toBe(
      'raise the quota of namespace default, or ask for less CPU: it allows 4.00 in all, the task requires 5.00',
    );
  });

  test('says nothing of custom resources that it does not name', () => {
    const quota = { limit: resources({ cpu: 4, custom: { fpga: 0 } }), used: resources({}) };
    const licence = explain(task({ cpu: 1, custom: { licence: 1 } }), viewOf({ workers, quota }), 0);
    expect(licence.summary).not.toContain('Quota');
    const fpga = explain(task({ cpu: 1, custom: { fpga: 1 } }), viewOf({ workers, quota }), 0);
    expect(fpga.summary).toBe('Quota of namespace default reached: 0 of 0 fpga left, task requires 1');
  });
});

describe('a pending task', () => {
  const summary = (rest: Partial<Task>) =>
    explain(task({ cpu: 1 }, { state: 'pending', ...rest }), viewOf({ workers: [[w(1, { cpu: 4 }), {}]] }), 10_000)
      .summary;

  test('waits for other tasks', () => {
    expect(summary({ waitsFor: ['a'] })).toBe('Waits for task a to complete');
    expect(summary({ waitsFor: ['a', 'b', 'c', 'd', 'e'] })).toBe('Waits for tasks a, b, c and 2 more to complete');
  });

  test('waits for its start time, or for its next attempt', () => {
    expect(summary({ eligibleAt: 100_000 })).toBe('Waits for its start time in 1m30s');
    expect(summary({ eligibleAt: 12_000, infraFailures: 1, fence: 1 })).toBe('Waits 2s before attempt 2');
  });

  test('has no position, and the workers show whether it would fit', () => {
    const told = explain(
      task({ cpu: 9 }, { state: 'pending', waitsFor: ['a'] }),
      viewOf({ workers: [[w(1, { cpu: 4 }), {}]] }),
      0,
    );
    expect([told.position, told.couldEverFit]).toEqual([null, false]);
    expect(told.advice).toBe('ask for 4 CPU or less: worker-1 has 4.00 in all');
  });

  test('gets no advice about room that it does not need yet', () => {
    const waits = task({ cpu: 2 }, { state: 'pending', waitsFor: ['a'] });
    expect(explain(waits, viewOf({ workers: [[w(1, { cpu: 4 }), { cpu: 3 }]] }), 0).advice).toBe(null);
  });
});

test('a task that runs or has ended does not wait', () => {
  const told = explain(task({ cpu: 1 }, { state: 'completed', message: 'Exited with 0.' }), viewOf({}), 0);
  expect(told).toEqual({
    taskId: 't',
    state: 'completed',
    summary: 'Exited with 0.',
    position: null,
    waitingMs: 0,
    couldEverFit: true,
    workers: [],
    advice: null,
  });
});

describe('a task that waits for the sake of others', () => {
  const workers = [[w(1, { cpu: 4 }), {}]] as const;

  test('is told of its gang, of neighbours and of promises to others', () => {
    const told = (blocked: NonNullable<Scene['blocked']>) =>
      explain(task({ cpu: 1 }), viewOf({ workers, blocked }), 0).summary;
    expect(told('gang')).toBe('Waits until all tasks of its gang can start together');
    expect(told('neighbours')).toBe('Waits for a worker that has the right tasks beside it');
    expect(told('promised')).toBe('Waits because the workers with room are kept for tasks before it');
    expect(told('room')).toBe('Waits for its turn: position 3 in the queue');
  });

  test('is told of the worker that is kept for it', () => {
    const promised = { taskId: 't', workerId: 'worker-1', startAt: 90_000 };
    const full = [[w(1, { cpu: 4 }), { cpu: 3 }]] as const;
    expect(explain(task({ cpu: 2 }), viewOf({ workers: full, promised }), 0).summary).toBe(
      'Insufficient CPU: worker has 1.00 available, task requires 2.00. Worker worker-1 is kept for it, and is expected to have room in 1m30s',
    );
  });
});

test('GPUs of other models are named, with the advice to take them', () => {
  const workers = [[w(1, { cpu: 4, gpu: 2 }), {}]] as const;
  const told = explain(task({ cpu: 1, gpu: 1 }, {}, { terms: { gpuModels: ['A10'] } }), viewOf({ workers }), 0);
  expect(told.summary).toBe('Task requires a GPU of model A10, worker worker-1 has test');
  expect(told.couldEverFit).toBe(false);
  expect(told.advice).toBe('let another GPU model do than A10: worker-1 has room, with test');
});
