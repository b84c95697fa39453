// What `top` draws: as many lines as the terminal has, none wider, whatever there is to show.
import type { ClusterView } from '@cloudai/sdk';
import { aTask, aWorker } from '@cloudai/sdk/testing';
import pc from 'picocolors';
import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { drawTop } from './frame.ts';
import { emptyData, type TopData } from './model.ts';
import { FIRST_VIEW, pressKey, type TopView } from './view.ts';

const START = '2026-11-22T12:00:00.000Z';
const RESOURCES = aTask().resources;
const NOW = Date.parse(START) + 90_000;
const TOTAL = { ...RESOURCES, cpuMillis: 8000, memoryBytes: 16 * 2 ** 30, gpuMillis: 2000 };

const CLUSTER: ClusterView = {
  ...{ clusterId: 'c-1', version: '0.1.0', epoch: 1, startedAt: START, placement: 'balanced' },
  ...{ workers: { active: 2 }, tasks: { running: 3, failed: 0 }, queueDepth: 2, oldestWaitMs: 61_000 },
  ...{ total: TOTAL, allocated: { ...RESOURCES, cpuMillis: 4000 }, available: RESOURCES },
  store: { sizeBytes: 1, schema: 1, full: false, audit: { state: 'clean', findings: 0 } },
  loopLagMs: 0,
} as unknown as ClusterView;

function filled(tasks = 3): TopData {
  const data = emptyData();
  data.state = 'live';
  data.cluster = CLUSTER;
  for (let count = 0; count < tasks; count++) {
    const id = `task${String(count).padStart(12, '0')}`;
    const submittedAt = new Date(Date.parse(START) + count * 1000).toISOString();
    const resources = { ...RESOURCES, cpuMillis: 1000 * (1 + (count % 4)) };
    const rest = { name: `name-${count}`, worker: 'worker-1', attempt: 1, state: 'running' } as const;
    data.tasks.set(id, aTask({ id, submittedAt, resources, ...rest }));
  }
  data.workers.set('worker-1', aWorker());
  data.workers.set('worker-2', aWorker({ id: 'worker-2', state: 'lost' }));
  data.samples.set('worker-1', {
    ...{ worker: 'worker-1', at: START, usage: { ...aWorker().usage!, cpu: 0.75 } },
    tasks: [
      {
        ...{ taskId: 'task000000000000', attempt: 1, cpuMillis: 640, memoryBytes: 2 ** 28, memoryPeakBytes: 2 ** 28 },
        ...{ storageBytes: 0, networkRxBytes: 0, networkTxBytes: 0, paused: false },
        ...{ gpu: null, diskReadBytes: null, diskWriteBytes: null },
      },
    ],
  });
  const item = {
    position: 1,
    waitingMs: 61_000,
    message: 'no worker has 64 CPU free',
    task: aTask({ id: 'waiting1' }),
  };
  data.queue = { total: 1, items: [item], next: null };
  return data;
}

function draw(data: TopData, view: Partial<TopView> = {}, width = 100, height = 20, color = false) {
  const screen = { width, height, colors: pc.createColors(color), now: NOW };
  return drawTop(data, { ...FIRST_VIEW, ...view }, screen);
}

test('the cluster in three lines, then the pane that was chosen, then the keys', () => {
  const { lines, rows } = draw(filled());
  expect(lines[0]).toBe('cloudai top  [live]  cluster c-1, version 0.1.0, up 1m 30s, balanced');
  expect(lines[1]).toBe('Tasks 3 running   Workers 2 active   Queue 2, the oldest 1m 1s');
  expect(lines[2]).toContain('CPU [#####.....] 4/8');
  expect(lines[2]).toContain('GPU [..........] 0/2');
  expect(lines[4]).toBe(' 1 tasks (3)  2 workers (2)  3 queue (1)   by age');
  expect(lines[5]).toMatch(/^ID +NAME +STATE +WORKER +CPU/);
  // The youngest first, with what it uses against what it asked for.
  expect(lines.slice(6, 9).map((line) => line.slice(0, 16))).toEqual([
    ...['task000000000002', 'task000000000001', 'task000000000000'],
  ]);
  expect(lines[8]).toContain('0.64/1');
  expect(lines.at(-1)).toContain('q leave');
  expect(rows).toBe(3);
});

test.each([
  [20, 5],
  [40, 8],
  [80, 24],
  [100, 3],
  [200, 60],
])('fits a terminal of %i by %i', (width, height) => {
  for (const data of [emptyData(), filled(), filled(500)])
    for (const pane of ['tasks', 'workers', 'queue'] as const) {
      const { lines } = draw(data, { pane, filter: pane === 'queue' ? 'x' : '' }, width, height);
      expect(lines.length).toBeLessThanOrEqual(height);
      for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width);
    }
});

test('workers with what they hold and use, the queue with why it waits', () => {
  const workers = draw(filled(), { pane: 'workers' }).lines;
  expect(workers[6]).toMatch(/^worker-1 +active +1 +2\.5\/8 +75%/);
  expect(workers[7]).toMatch(/^worker-2 +lost/);
  const queue = draw(filled(), { pane: 'queue' }).lines;
  expect(queue[6]).toMatch(/^ *1 +waiting1 .* 1m 1s .*no worker has 64 CPU free/);
});

test('what is not live is said', () => {
  const data = filled();
  data.state = 'stale';
  expect(draw(data).lines[0]).toContain('[stale]');
  data.error = new Error('the token is \u001b[31mrevoked');
  expect(draw(data).lines[0]).toContain('[error: the token is \\e[31mrevoked]');
  expect(draw(emptyData()).lines.join('\n')).toContain('Waiting for the master.');
});

test('the selected row stays on the screen', () => {
  const data = filled(500);
  const at = (selected: number) =>
    draw(data, { selected }, 100, 20, true).lines.filter((line) => line.includes('\u001b[7mtask'));
  expect(at(0)[0]).toContain('task000000000499');
  expect(at(250)[0]).toContain('task000000000249');
  expect(at(499)[0]).toContain('task000000000000');
  expect(at(9_999)[0]).toContain('task000000000000');
});

describe('keys', () => {
  const press = (keys: readonly string[], rows = 10) =>
    keys.reduce<TopView | null>((view, key) => (view === null ? null : pressKey(view, key, rows, 5)), FIRST_VIEW);

  test('move, and stay within the rows', () => {
    expect(press(['j', 'j', '\u001b[B', 'k'])?.selected).toBe(2);
    expect(press(['\u001b[A'])?.selected).toBe(0);
    expect(press(['\u001b[6~', '\u001b[6~', '\u001b[6~'])?.selected).toBe(9);
    expect(press(['G', '\u001b[5~'])?.selected).toBe(4);
    expect(press(['j'], 0)?.selected).toBe(0);
  });

  test('choose panes and orders', () => {
    expect(press(['2'])?.pane).toBe('workers');
    expect(press(['\t', '\t', '\t'])?.pane).toBe('tasks');
    expect(press(['\u001b[D'])?.pane).toBe('queue');
    const { lines } = draw(filled(), press(['s', 's', 's', 's', 'r'])!);
    expect(lines[4]).toContain('by cpu, reversed');
    expect(lines[6]).toContain('task000000000000');
  });

  test('filter', () => {
    const typing = press(['/', 'N', 'A', 'x', '\u007f', 'M', 'E', '-', '1', '\u001b[A'])!;
    expect(draw(filled(), typing).lines[4]).toContain('filter: NAME-1_');
    const kept = pressKey(typing, '\r', 1, 5)!;
    expect(draw(filled(), kept)).toMatchObject({ rows: 1 });
    expect(draw(filled(), kept).lines[6]).toContain('name-1');
    expect(pressKey(kept, '\u001b', 1, 5)?.filter).toBe('');
    expect(draw(filled(), { ...kept, filter: 'nothing' }).lines[6]).toBe('None of the tasks contains nothing.');
    // While it is typed, letters are no commands.
    expect(press(['/', 'q'])?.filter).toBe('q');
  });

  test('leave', () => {
    for (const key of ['q', '\u0003']) expect(press([key])).toBeNull();
    expect(press(['/', '\u0003'])).toBeNull();
    expect(press(['x', 'y', '\u001b[24~'])).toEqual(FIRST_VIEW);
  });
});
