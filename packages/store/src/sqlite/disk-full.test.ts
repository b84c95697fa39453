// A disk of a few MiB, really full. Needs root, for the mount.
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { Store } from '../store.ts';
import { CREATE, directory, opened } from '../testing/place.ts';
import { changed, clusterRow, created, eventRow, events, taskRow } from '../testing/rows.ts';

const SLOW_MS = 60_000;
const MIB = 1024 * 1024;
const RESERVE: { readonly reserveBytes: number } = { reserveBytes: 2 * MIB };

const CAN_MOUNT = process.getuid?.() === 0 && canMount();
if (!CAN_MOUNT) console.warn('SKIPPED: a full disk is not tested, because mounting one takes root.');

function canMount(): boolean {
  const probe = spawnSync('sh', [
    '-c',
    'd=$(mktemp -d) && mount -t tmpfs -o size=1m tmpfs "$d" && umount "$d"; s=$?; rmdir "$d"; exit $s',
  ]);
  return probe.status === 0;
}

/** A disk of its own. */
function disk(mib: number): string {
  const path = directory();
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', path]).status !== 0)
    throw new Error('no mount');
  onTestFinished(() => {
    spawnSync('umount', ['-l', path]);
  });
  return path;
}

/** Takes all but so many bytes of what is free. */
function fill(place: string, leave = 0): string {
  const path = join(place, 'somebody-elses');
  const file = openSync(path, 'w');
  const chunk = Buffer.alloc(4096, 1);
  const { bavail, bsize } = statfsSync(place);
  try {
    for (let left = bavail * bsize - leave; left > 0; left -= chunk.length) writeSync(file, chunk);
  } catch {
    // Full: that was the aim.
  }
  closeSync(file);
  return path;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<number> {
  const started = performance.now();
  while (!(await condition())) {
    if (performance.now() - started > 10_000) throw new Error('waited for too long');
    await sleep(20);
  }
  return performance.now() - started;
}

/** Tasks 1 to `count`, with what makes them a sound history. */
function submit(first: number, count: number, message = 'x'.repeat(2_000)) {
  const numbers = Array.from({ length: count }, (_, n) => first + n);
  return [
    ...created(...numbers.map((n) => taskRow(n, { message }))),
    ...events(...numbers.map((n) => eventRow(n))),
    {
      kind: 'cluster' as const,
      row: clusterRow({ taskSequence: first + count - 1, eventSequence: first + count - 1 }),
    },
  ];
}

async function stored(store: Store): Promise<number> {
  return (await store.countTasks({ namespaces: 'all' })).queued ?? 0;
}

test.skipIf(!CAN_MOUNT)(
  'commits go on with the reserve, fail cleanly without it, and recover without a restart',
  { timeout: SLOW_MS },
  async () => {
    const place = disk(24);
    const path = join(place, 'cloudai.db');
    const store = await opened(path, { ...CREATE, ...RESERVE });
    await store.commit(1, submit(1, 100));
    await until(() => store.health().reserveBytes === RESERVE.reserveBytes);

    // The commit that finds no space goes through all the same, and the store says that it is full.
    const filler = fill(place);
    let count = 100;
    while (store.health().state === 'ok') {
      await store.commit(1, submit(count + 1, 20));
      count += 20;
    }
    expect(store.health()).toMatchObject({ state: 'full', reserveBytes: 0, message: expect.stringContaining(path) });
    expect(await stored(store)).toBe(count);
    await store.commit(1, [changed(taskRow(1, { message: 'still stored' }))]);

    // The reserve is used up: refused, nothing of it is kept, and the store stays usable.
    let refused: unknown = null;
    while (refused === null) {
      await store.commit(1, submit(count + 1, 50)).then(
        () => {
          count += 50;
        },
        (error: unknown) => {
          refused = error;
        },
      );
    }
    expect(refused).toMatchObject({ code: 'store_full', message: expect.stringMatching(/disk is full/) });
    expect(store.health().state).toBe('full');
    expect(await stored(store)).toBe(count);
    expect((await store.task(taskRow(1).id))?.message).toBe('still stored');

    // Space comes back: the same commit goes through, and the reserve is made again.
    rmSync(filler);
    await store.commit(1, submit(count + 1, 50));
    const recovered = await until(() => store.health().state === 'ok' && store.health().reserveBytes > 0);
    expect(recovered).toBeLessThan(5_000);
    expect(await stored(store)).toBe(count + 50);
    expect(await store.fsck()).toEqual([]);
    await store.close();
    const again = await opened(path, RESERVE);
    expect(await stored(again)).toBe(count + 50);
  },
);

test.skipIf(!CAN_MOUNT)(
  'a store on a full disk can be opened and goes on with the reserve',
  { timeout: SLOW_MS },
  async () => {
    const place = disk(24);
    const path = join(place, 'cloudai.db');
    const store = await opened(path, { ...CREATE, ...RESERVE });
    await store.commit(1, submit(1, 100));
    await until(() => store.health().reserveBytes === RESERVE.reserveBytes);
    await store.close();
    fill(place);
    const full = await opened(path, RESERVE);
    expect(full.health()).toMatchObject({ state: 'full', reserveBytes: 0 });
    expect(await stored(full)).toBe(100);
    await full.commit(2, [changed(taskRow(1, { message: 'cancelled meanwhile' }))]);
    expect((await full.load(0)).tasks[0]?.message).toBe('cancelled meanwhile');
  },
);

test.skipIf(!CAN_MOUNT)(
  'a store, a backup and a restore on a full disk leave nothing half-made',
  { timeout: SLOW_MS },
  async () => {
    const place = disk(24);
    const path = join(place, 'cloudai.db');
    const store = await opened(join(directory(), 'cloudai.db'), CREATE);
    await store.commit(1, submit(1, 1_000));
    fill(place, 40_000);
    await expect(opened(path, CREATE)).rejects.toMatchObject({ code: 'store_full' });
    await expect(opened(path)).rejects.toMatchObject({ code: 'store_missing' });
    await expect(store.backup(join(place, 'backup.db'))).rejects.toMatchObject({ code: 'store_full' });
    const left = spawnSync('ls', ['-A', place], { encoding: 'utf8' }).stdout.trim().split('\n');
    expect(left).toEqual(['somebody-elses']);
    // The store itself has nothing to do with it.
    await store.commit(1, []);
  },
);
