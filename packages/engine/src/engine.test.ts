import { expect, it } from 'vitest';
import { scenario } from './testing/index.ts';

it(
  'takes a task from submit to its end and gives its resources back',
  scenario((cluster) => {
    const w1 = cluster.worker('w1', { cpu: 4, memory: 8 });
    const id = cluster.submit({ cpu: 2, memory: 4 });
    expect(cluster.effects()).toEqual(['start t1/1 on w1']);
    expect(cluster.state(id)).toBe('assigned');
    expect(cluster.available('w1')).toMatchObject({ cpuMillis: 2000 });
    w1.starting(id);
    expect(cluster.attempt(id).state).toBe('starting');
    w1.running(id);
    expect(cluster.state(id)).toBe('running');
    expect(w1.ended(id)).toEqual({ ok: true, kind: 'reported', accepted: true });
    expect(cluster.state(id)).toBe('completed(exit_zero)');
    expect(cluster.available('w1')).toMatchObject({ cpuMillis: 4000 });
    expect(cluster.timeline(id)).toEqual([
      'task_submitted',
      'task_assigned',
      'task_starting',
      'task_running',
      'task_completed',
    ]);
  }),
);
