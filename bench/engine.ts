// How many placements a second the engine makes: 5,000 workers, 10,000 waiting tasks, placement policies. Once the
// schedule pass alone, beside a scan of every task over every worker with the same predicate and the same scores, and
// once through `Engine.apply`, which also checks, reserves and records each placement.
import { DEFAULT_ENGINE_CONFIG, Engine } from '../packages/engine/src/index.ts';
import type { Task } from '../packages/engine/src/model/task.ts';
import { fits } from '../packages/engine/src/policy/feasibility.ts';
import type { PlacementPolicy, WorkerRoom } from '../packages/engine/src/policy/policy.ts';
import { placementPolicies } from '../packages/engine/src/policy/registry.ts';
import { RoomTable } from '../packages/engine/src/policy/room-table.ts';
import { type PlaceView, place } from '../packages/engine/src/stages/place.ts';
import { WaitingQueue } from '../packages/engine/src/stages/queue.ts';
import { type Amounts, resources, roomOf, specRow, taskRow, workerRow } from '../packages/engine/src/testing/rows.ts';
import { median, printReport, type Row } from './report.ts';

const WORKERS = 5000;
const TASKS = 10_000;
/** How many different requests the tasks make. */
const KINDS = [1, 20, 500, TASKS];
const RUNS = 9;
const NO_MODELS: readonly string[] = [];
/** CPU time is counted in ticks of some milliseconds: each run goes on until they do not matter. */
const RUN_MS = 100;
const ENGINE_RUNS = 5;
const SEED = 7;

const MACHINES: readonly Amounts[] = [
  { cpu: 16, memory: 64, storage: 200 },
  { cpu: 32, memory: 128, storage: 400 },
  { cpu: 64, memory: 256, storage: 800 },
  { cpu: 64, memory: 512, storage: 800, gpu: 8 },
];

/** Those named on the command line; otherwise some, because a few score every worker for every task and take minutes. */
const named = process.argv.slice(2);
const USUAL = ['round-robin', 'greedy', 'balanced', 'best-fit', 'fgd'];
const POLICIES = placementPolicies().filter(({ name }) => (named.length === 0 ? USUAL : named).includes(name));
/** The scan says what the machine can do. */
const SCANNED = ['round-robin', 'greedy', 'balanced'];

const rows: Row[] = [];
for (const kinds of KINDS) {
  const tasks = waitingTasks(kinds);
  for (const policy of POLICIES) {
    const pass = passMs(viewOf(tasks, cluster()), policy, TASKS);
    rows.push({
      kinds: kinds.toLocaleString('en'),
      policy: policy.name,
      scan: SCANNED.includes(policy.name) ? naiveRate(tasks, cluster(), policy) : Number.NaN,
      place: (TASKS / pass) * 1000,
      apply: median(Array.from({ length: ENGINE_RUNS }, () => engineRate(policy, tasks))),
      'full ms': passMs(viewOf(tasks, cluster({ full: true })), policy, 0),
      'one ms': passMs(viewOf(tasks.slice(0, 1), cluster()), policy, 1),
    });
  }
}
printReport(`${TASKS.toLocaleString('en')} waiting tasks, ${WORKERS.toLocaleString('en')} workers`, rows, [
  'kinds: different requests among the tasks. scan, place, apply: placements per second.',
  'full ms: a pass in which nothing fits anywhere. one ms: a pass for a single task on an idle cluster.',
  `Medians of ${RUNS} runs (scan: one, apply: ${ENGINE_RUNS}), seed ${SEED}. CPU time of the one thread, so that other load on the machine counts less.`,
]);

/** Every task on every worker: what a pass means, without anything that makes it fast. */
function naiveRate(tasks: readonly Task[], rooms: readonly WorkerRoom[], policy: PlacementPolicy): number {
  const begun = cpuMs();
  const table = new RoomTable(rooms.map((room) => room.ledger));
  const scorer = policy.kind === 'scoring' ? policy.prepare(table) : null;
  const row = new Int32Array(1);
  const score = new Float64Array(1);
  let placed = 0;
  let last = -1;
  for (const { spec } of tasks) {
    let best = -1;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (let at = 0; at < rooms.length; at++) {
      const room = rooms[at]!;
      if (!fits(spec, room.worker, room.ledger)) continue;
      row[0] = at;
      score[0] = -((at - last - 1 + rooms.length) % rooms.length);
      scorer?.score({ request: spec.request, gpuModels: NO_MODELS, task: null }, row, 1, score);
      if (score[0] <= bestScore) continue;
      best = at;
      bestScore = score[0];
    }
    if (best < 0) continue;
    rooms[best]!.ledger.reserve(spec.request);
    table.renew(best, rooms[best]!.ledger);
    last = best;
    placed++;
  }
  return (placed / (cpuMs() - begun)) * 1000;
}

/** Submit, let the pass run, count what it assigned: changes, events and effects included. */
function engineRate(policy: PlacementPolicy, tasks: readonly Task[]): number {
  const engine = new Engine({ ...DEFAULT_ENGINE_CONFIG, passDelayMs: 1000 });
  let now = 1_000_000;
  engine.apply({ kind: 'recover', epoch: 1 }, now);
  engine.apply({ kind: 'useScheduler', placement: policy.name, by: 'bench' }, now);
  for (const { worker } of cluster()) join(engine, worker.id, worker.capacity!, now);
  // The first pass starts the clock of the pass delay, so that the tasks below wait for the tick.
  submit(engine, [taskRow('first', specRow({ cpu: 0.001 }))], now);
  submit(engine, tasks, now);
  now += 1000;
  const begun = cpuMs();
  const { effects } = engine.apply({ kind: 'tick' }, now);
  const seconds = (cpuMs() - begun) / 1000;
  const started = effects.filter((effect) => effect.kind === 'startAttempt').length;
  if (started < tasks.length) throw new Error(`${started} of ${tasks.length} tasks were placed in the pass`);
  return started / seconds;
}

function join(
  engine: Engine,
  workerId: string,
  capacity: NonNullable<WorkerRoom['worker']['capacity']>,
  now: number,
): void {
  const certificateSerial = `serial-${workerId}`;
  const joinTokenHash = `hash-${workerId}`;
  const joinTokenExpiresAt = now + 60_000;
  engine.apply(
    { kind: 'registerWorker', workerId, address: null, joinTokenHash, joinTokenExpiresAt, renew: false, by: 'bench' },
    now,
  );
  engine.apply({ kind: 'joinWorker', workerId, joinTokenHash, certificateSerial }, now);
  const hello = {
    incarnation: 'a',
    version: '1',
    remoteAddress: null,
    capacity,
    labels: {},
    found: [],
    unhealthy: null,
  };
  const { reply } = engine.apply({ kind: 'connectWorker', workerId, certificateSerial, ...hello }, now);
  if (!reply.ok) throw new Error(reply.message);
}

function submit(engine: Engine, tasks: readonly Task[], now: number): void {
  const command = { kind: 'submitTasks', namespace: 'default', owner: 'bench', job: null, idempotency: null } as const;
  const asked = tasks.map(({ id, spec }) => ({ id, name: null, spec, retryOf: null }));
  const { reply } = engine.apply({ ...command, tasks: asked, knownOutcomes: {} }, now);
  if (!reply.ok) throw new Error(reply.message);
}

/** One pass, the median of several runs; the pass changes nothing and can be repeated. */
function passMs(view: PlaceView, policy: PlacementPolicy, expected: number): number {
  const one = () => {
    const begun = cpuMs();
    let passes = 0;
    for (; cpuMs() - begun < RUN_MS; passes++) {
      const placed = place(view, policy, TASKS).assignments.length;
      if (placed !== expected) throw new Error(`${placed} tasks were placed instead of ${expected}`);
    }
    return (cpuMs() - begun) / passes;
  };
  return median(Array.from({ length: RUNS }, one));
}

/** Of this thread alone; the split between user and system is counted in ticks, both are wanted. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function viewOf(tasks: readonly Task[], workers: readonly WorkerRoom[]): PlaceView {
  const queue = new WaitingQueue();
  for (const task of tasks) queue.add(task);
  // What the waiting tasks ask for is what the policies know of the demand.
  const demand = tasks.map(({ spec }) => ({ request: spec.request, gpuModels: NO_MODELS, count: 1 }));
  return { queue, workers, cursor: null, quota: () => null, knowledge: { demand, now: 0 } };
}

function cluster({ full = false } = {}): WorkerRoom[] {
  return Array.from({ length: WORKERS }, (_, n) => {
    const room = roomOf(workerRow(`worker-${String(n).padStart(5, '0')}`, MACHINES[n % MACHINES.length]!));
    if (full) room.ledger.reserve(resources({ cpu: room.ledger.freeCpuMillis / 1000 }));
    return room;
  });
}

function waitingTasks(kinds: number): Task[] {
  const random = generator(SEED);
  const requests = Array.from({ length: kinds }, (_, n) => {
    const gpu = n % 10 === 3 ? 1 + Math.floor(random() * 2) : n % 10 === 7 ? 0.5 : 0;
    // The odd megabyte keeps as many kinds apart as were asked for.
    return specRow({ cpu: 0.1 + random() * 3, memory: 0.1 + random() * 8 + n / 1024, storage: 1, gpu });
  });
  return Array.from({ length: TASKS }, (_, n) => {
    const spec = requests[n < kinds ? n : Math.floor(random() * kinds)]!;
    return taskRow(`task-${n}`, spec, { sequence: n });
  });
}

/** mulberry32: small, seeded, good enough for a workload. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
