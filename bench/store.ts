// How fast the store takes new tasks, records their placement and gives them back. Each batch size is measured in turn
// with a plain table in the same process (node:sqlite, one thread, WAL, synchronous=FULL, a task and an event as JSON,
// no further indexes, no checksums), so that the ratio holds whatever else the machine is doing.
//   node bench/store.ts [--tasks 20000] [--live 100000] [--dir /path/on/the/disk/to/measure]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import type { Change, Task } from '../packages/engine/src/index.ts';
import { openStore, type Store } from '../packages/store/src/index.ts';
import { median, printReport, type Row } from './report.ts';

const ROUNDS = 5;
const BATCHES = [1, 10, 100, 1_000];
/** Small batches would take for ever with as many tasks. */
const MOST_COMMITS = 400;

async function run(tasks: number, live: number): Promise<void> {
  const url = `sqlite:${join(place, 'store.db')}`;
  const store = await openStore(url, { create: { clusterId: 'bench' }, reserveBytes: 0 });
  const plain = new Plain(join(place, 'plain.db'));
  const rows: Row[] = [];
  for (const batch of BATCHES) {
    const commits = Math.max(1, Math.min(MOST_COMMITS, Math.floor(tasks / batch / ROUNDS)));
    const rounds: {
      submit: number;
      plain: number;
      start: number;
      caller: number;
      all: number;
      bare: number;
      stall: number;
    }[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const made = Array.from({ length: commits }, () => submits(batch));
      const count = commits * batch;
      const [caller, all] = [ownCpu(), allCpu()];
      const beat = new Beat();
      const submit = await seconds(async () => {
        for (const changes of made) await store.commit(1, changes);
      });
      const stall = beat.stop();
      const used = { caller: (ownCpu() - caller) / count, all: (allCpu() - all) / count };
      const bare = allCpu();
      const alone = await seconds(async () => {
        for (const changes of made) plain.commit(changes);
      });
      const plainly = (allCpu() - bare) / count;
      const starts = made.map(started);
      const start = await seconds(async () => {
        for (const changes of starts) await store.commit(1, changes);
      });
      rounds.push({
        submit: count / submit,
        plain: count / alone,
        start: count / start,
        ...used,
        bare: plainly,
        stall,
      });
    }
    const of = (key: keyof (typeof rounds)[number]) => median(rounds.map((one) => one[key]));
    rows.push({
      batch,
      'submits/s': Math.round(of('submit')),
      'plain/s': Math.round(of('plain')),
      ratio: of('submit') / of('plain'),
      'starts/s': Math.round(of('start')),
      'CPU µs/task': of('all'),
      'of it caller': of('caller'),
      'plain µs/task': of('bare'),
      'loop stall ms': of('stall'),
    });
  }
  printReport('New tasks and placements per commit', rows, [
    'submits: task and event; starts: task changed, attempt and event. Median of the rounds.',
    'CPU holds also when the machine is busy; caller: the thread that commits, the rest is the store’s own threads.',
  ]);
  printReport('Answers', await reads(store, url, live));
  plain.close();
}

/** Time for what a master and its users ask for. */
async function reads(store: Store, url: string, live: number): Promise<Row[]> {
  for (let made = 0; made < live; made += 5_000) await store.commit(1, submits(Math.min(5_000, live - made)));
  const all = { namespaces: 'all' } as const;
  const team = { namespaces: ['default'], states: ['queued'], labels: { team: 'b' } } as const;
  const [one] = (await store.tasks(all, 'oldest', 1, null)).items;
  const asked: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['load', () => store.load(Number.POSITIVE_INFINITY)],
    ['one task', () => store.task(one!.id)],
    ['100 newest tasks', () => store.tasks(all, 'newest', 100, null)],
    ['100 newest of a namespace, state, label', () => store.tasks(team, 'newest', 100, null)],
    ['100 next by priority', () => store.tasks({ ...all, states: ['queued'] }, 'priority', 100, null)],
    ['counts', () => store.countTasks(all)],
    ['100 events of a task', () => store.events({ ...all, taskId: one!.id }, 0, 100)],
    ['fsck', () => store.fsck()],
    [
      'close and open',
      async () => {
        await store.close();
        const again = await openStore(url, { reserveBytes: 0 });
        await again.close();
      },
    ],
  ];
  const rows: Row[] = [];
  for (const [name, ask] of asked) {
    const [caller, all] = [ownCpu(), allCpu()];
    const ms = (await seconds(ask)) * 1000;
    const used = { 'CPU ms': (allCpu() - all) / 1000, 'of it caller': (ownCpu() - caller) / 1000 };
    rows.push({ [`of ${sequence.toLocaleString('en')} tasks`]: name, ms, ...used });
  }
  return rows;
}

let sequence = 0;
let eventSequence = 0;

function submits(count: number): Change[] {
  const changes: Change[] = [];
  for (let n = 0; n < count; n += 1) {
    const row = newTask();
    eventSequence += 1;
    changes.push({ kind: 'task', created: true, row });
    changes.push({
      kind: 'event',
      row: {
        sequence: eventSequence,
        at: row.submittedAt,
        kind: 'task_submitted',
        namespace: row.namespace,
        taskId: row.id,
        attempt: null,
        workerId: null,
        by: row.owner,
        message: null,
      },
    });
  }
  return changes;
}

/** Each of these tasks is placed: its row, an attempt, an event. */
function started(submitted: readonly Change[]): Change[] {
  return submitted.flatMap((change): Change[] => {
    if (change.kind !== 'task') return [];
    const { row } = change;
    eventSequence += 1;
    return [
      { kind: 'task', created: false, row: { ...row, state: 'assigned', fence: 1, version: 2, message: null } },
      {
        kind: 'attempt',
        row: {
          taskId: row.id,
          number: 1,
          workerId: `worker-${row.sequence % 100}`,
          session: 1,
          state: 'assigned',
          reason: null,
          reserved: row.spec.request,
          gpus: [],
          placedBy: 'balanced',
          assignedAt: row.submittedAt,
          expiresAt: row.submittedAt + 30_000,
          confirmedAt: null,
          startedAt: null,
          endedAt: null,
          progress: null,
          containerId: null,
          imageDigest: null,
          stopReason: null,
          result: null,
        },
      },
      {
        kind: 'event',
        row: {
          sequence: eventSequence,
          at: row.submittedAt,
          kind: 'task_assigned',
          namespace: row.namespace,
          taskId: row.id,
          attempt: 1,
          workerId: `worker-${row.sequence % 100}`,
          by: null,
          message: null,
        },
      },
    ];
  });
}

function newTask(): Task {
  sequence += 1;
  const submittedAt = 1_790_000_000_000 + sequence;
  return {
    id: Array.from({ length: 16 }, () => 'abcdefghijklmnopqrstuvwxyz234567'[Math.floor(Math.random() * 32)]).join(''),
    namespace: sequence % 10 === 0 ? 'team' : 'default',
    owner: 'ada',
    name: `train-${sequence}`,
    jobId: null,
    retryOf: null,
    spec: {
      image: 'registry.example/team/train:1.2.3',
      command: { kind: 'shell', line: `python train.py --seed ${sequence} --epochs 10 --learning-rate 0.001` },
      entrypoint: null,
      env: { SEED: String(sequence), PYTHONUNBUFFERED: '1' },
      workingDir: null,
      user: null,
      labels: { team: sequence % 3 === 0 ? 'a' : 'b' },
      request: { cpuMillis: 500, memoryBytes: 2 ** 29, storageBytes: 2 ** 30, gpuMillis: 0, custom: {} },
      targetWorker: null,
      selector: {},
      priority: 50,
      deadlineAt: null,
      startAfter: null,
      dependsOn: [],
      timeoutMs: null,
      queueTimeoutMs: null,
      stopSignal: null,
      stopGraceMs: 10_000,
      retry: { limit: 0, exitCodes: null, reasons: null, backoffMs: 1_000, factor: 2, maxMs: 60_000 },
      profile: 'standard',
      network: 'bridge',
      pull: 'missing',
      logLimitBytes: 2 ** 26,
      logPolicy: 'truncate',
    },
    priority: 50,
    state: 'queued',
    reason: null,
    message: 'Waits for its turn.',
    exitCode: null,
    submittedAt,
    sequence,
    eligibleAt: null,
    waitsFor: [],
    queuedAt: submittedAt,
    startedAt: null,
    endedAt: null,
    fence: 0,
    userFailures: 0,
    infraFailures: 0,
    suspectWorkers: [],
    imageDigest: null,
    cancelRequested: false,
    version: 1,
  };
}

/** The least that would keep the same facts. */
class Plain {
  readonly #db: DatabaseSync;

  constructor(path: string) {
    this.#db = new DatabaseSync(path);
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536');
    this.#db.exec('CREATE TABLE task (id TEXT PRIMARY KEY, row TEXT) STRICT');
    this.#db.exec('CREATE TABLE event (sequence INTEGER PRIMARY KEY, row TEXT) STRICT');
  }

  commit(changes: readonly Change[]): void {
    const task = this.#db.prepare('INSERT INTO task VALUES (?, ?)');
    const event = this.#db.prepare('INSERT INTO event VALUES (?, ?)');
    this.#db.exec('BEGIN IMMEDIATE');
    for (const change of changes) {
      if (change.kind === 'task') task.run(change.row.id, JSON.stringify(change.row));
      if (change.kind === 'event') event.run(change.row.sequence, JSON.stringify(change.row));
    }
    this.#db.exec('COMMIT');
  }

  close(): void {
    this.#db.close();
  }
}

/** The longest that the event loop of this thread was away. */
class Beat {
  #last = performance.now();
  #longest = 0;
  readonly #timer = setInterval(() => this.#look(), 1);

  stop(): number {
    this.#look();
    clearInterval(this.#timer);
    return this.#longest;
  }

  #look(): void {
    const now = performance.now();
    this.#longest = Math.max(this.#longest, now - this.#last);
    this.#last = now;
  }
}

/** CPU time so far in µs, of this thread and of all. */
function ownCpu(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

function allCpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return (performance.now() - from) / 1000;
}

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '20000' },
    live: { type: 'string', default: '100000' },
    dir: { type: 'string', default: tmpdir() },
  },
});
const place = mkdtempSync(join(values.dir, 'cloudai-bench-'));
try {
  await run(Number(values.tasks), Number(values.live));
} finally {
  rmSync(place, { recursive: true, force: true });
}
