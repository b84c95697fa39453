import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Task } from '../model/task.ts';
import { specRow, taskRow } from '../testing/rows.ts';
import { WaitingQueue } from './queue.ts';
import type { QueueEntry } from './queue-order.ts';

let sequence = 0;
function task(id: string, rest: Partial<Task> = {}, cpu = 1): Task {
  sequence++;
  return taskRow(id, specRow({ cpu }), { sequence, ...rest });
}

function walk(queue: WaitingQueue, skip: (entry: QueueEntry) => boolean = () => false): string[] {
  const pass = queue.pass();
  const ids: string[] = [];
  for (let entry = pass.next(); entry !== null; entry = pass.next()) {
    ids.push(entry.taskId);
    if (skip(entry)) pass.skipClass();
  }
  return ids;
}

describe('the order', () => {
  test('A1-18: priority, then deadline, those with one first, then age', () => {
    const queue = new WaitingQueue();
    queue.add(task('old'));
    queue.add(task('young'));
    queue.add(task('later', { spec: specRow({ cpu: 1 }, { deadlineAt: 2000 }) }));
    queue.add(task('sooner', { spec: specRow({ cpu: 1 }, { deadlineAt: 1000 }) }));
    queue.add(task('urgent', { priority: 90 }));
    queue.add(task('idle', { priority: 0, spec: specRow({ cpu: 1 }, { deadlineAt: 1 }) }));
    const order = ['urgent', 'sooner', 'later', 'old', 'young', 'idle'];
    expect(walk(queue)).toEqual(order);
    expect(queue.slice(1, 10)).toEqual(order);
    expect(queue.slice(2, 2)).toEqual(['sooner', 'later']);
    expect(order.map((id) => queue.position(id))).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('a task that comes back keeps the place of its sequence', () => {
    const queue = new WaitingQueue();
    const first = task('first');
    queue.add(first);
    queue.add(task('second'));
    queue.remove('first');
    queue.add(first);
    expect(queue.position('first')).toBe(1);
  });
});

describe('add and remove', () => {
  test('E-21: the same task twice is a bug', () => {
    const queue = new WaitingQueue();
    queue.add(task('a'));
    expect(() => queue.add(task('a'))).toThrow('queued already');
  });

  test('removing what is not there changes nothing', () => {
    const queue = new WaitingQueue();
    expect(queue.remove('a')).toBe(false);
    queue.add(task('a'));
    expect(queue.remove('a')).toBe(true);
    expect([queue.size, queue.classCount, queue.position('a'), queue.has('a')]).toEqual([0, 0, null, false]);
  });
});

describe('classes', () => {
  test('tasks that any worker and any quota treats alike are one', () => {
    const queue = new WaitingQueue();
    const selector = { zone: 'a', disk: 'ssd' };
    queue.add(task('a', { spec: specRow({ cpu: 1 }, { selector }), priority: 1 }));
    queue.add(task('b', { spec: specRow({ cpu: 1 }, { selector: { disk: 'ssd', zone: 'a' }, image: 'other' }) }));
    expect(queue.classCount).toBe(1);
    queue.add(task('c', { spec: specRow({ cpu: 1.5 }, { selector }) }));
    queue.add(task('d', { spec: specRow({ cpu: 1 }, { selector }), namespace: 'other' }));
    queue.add(task('e', { spec: specRow({ cpu: 1 }, { selector }), suspectWorkers: ['w-1'] }));
    queue.add(task('f', { spec: specRow({ cpu: 1 }, { selector, targetWorker: 'w-1' }) }));
    queue.add(task('g', { spec: specRow({ cpu: 1, custom: { licence: 1 } }, { selector }) }));
    expect(queue.classCount).toBe(6);
    expect(queue.classOf('b')).toBe(queue.classOf('a'));
  });

  test('a walk leaves out what is left of a class that was skipped', () => {
    const queue = new WaitingQueue();
    for (const id of ['a1', 'a2', 'a3']) queue.add(task(id, {}, 1));
    queue.add(task('b1', {}, 2));
    queue.add(task('a4', {}, 1));
    queue.add(task('b2', {}, 2));
    expect(walk(queue, (entry) => entry.taskId === 'a2')).toEqual(['a1', 'a2', 'b1', 'b2']);
    expect(walk(queue, (entry) => entry.taskId.startsWith('a'))).toEqual(['a1', 'b1', 'b2']);
    expect(walk(queue, () => true)).toEqual(['a1', 'b1']);
    expect(queue.size).toBe(6);
  });
});

describe('any sequence of changes', () => {
  const change = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ add: fc.record({ priority: fc.nat(2), deadline: fc.option(fc.nat(3)), cpu: fc.nat(4) }) }),
    },
    { weight: 1, arbitrary: fc.record({ remove: fc.nat() }) },
  );

  test('ends in the order, positions and classes of a sorted list', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), fc.nat(4), (changes, skipped) => {
        const queue = new WaitingQueue();
        let model: Task[] = [];
        for (const [n, step] of changes.entries()) {
          if ('add' in step) {
            const { priority, deadline, cpu } = step.add;
            const row = task(`t${n}`, { priority, spec: specRow({ cpu }, { deadlineAt: deadline }) });
            queue.add(row);
            model.push(row);
          } else if (model.length > 0) {
            const [gone] = model.splice(step.remove % model.length, 1);
            expect(queue.remove(gone!.id)).toBe(true);
          }
        }
        model = model.sort(naiveOrder);
        expect(queue.size).toBe(model.length);
        expect(queue.classCount).toBe(new Set(model.map((row) => row.spec.request.cpuMillis)).size);
        expect(walk(queue)).toEqual(model.map((row) => row.id));
        for (const [n, row] of model.entries()) expect(queue.position(row.id)).toBe(n + 1);
        const first = model.find((row) => row.spec.request.cpuMillis === skipped * 1000);
        const left = model.filter((row) => row === first || row.spec.request.cpuMillis !== skipped * 1000);
        expect(walk(queue, (entry) => entry.class.request.cpuMillis === skipped * 1000)).toEqual(
          left.map((row) => row.id),
        );
      }),
      { numRuns: 200 },
    );
  });

  test('holds for a queue of many chunks', () => {
    const queue = new WaitingQueue();
    const rows = Array.from({ length: 5000 }, (_, n) => task(`t${n}`, { priority: (n * 7919) % 101 }, n % 3));
    for (const row of rows) queue.add(row);
    for (const row of rows) if (row.sequence % 3 === 0) queue.remove(row.id);
    const left = rows.filter((row) => row.sequence % 3 !== 0).sort(naiveOrder);
    expect(walk(queue)).toEqual(left.map((row) => row.id));
    for (let n = 0; n < left.length; n += 37) expect(queue.position(left[n]!.id)).toBe(n + 1);
    expect(queue.slice(1000, 700)).toEqual(left.slice(999, 1699).map((row) => row.id));
  });

  function naiveOrder(a: Task, b: Task): number {
    const deadline = (row: Task) => row.spec.deadlineAt ?? Number.MAX_VALUE;
    return b.priority - a.priority || deadline(a) - deadline(b) || a.sequence - b.sequence;
  }
});
