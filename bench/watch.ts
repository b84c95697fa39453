// How long a change takes from the engine to everybody who watches, and what that does to the master: 500 scripted workers
// heartbeating, 100,000 tasks in the store, 200 WebSocket watchers, each on events, running tasks, workers and the cluster,
// as dashboards are. The master, the workers and the watchers are processes of their own on this machine.
//   node bench/watch.ts [--workers 500] [--stored 100000] [--watchers 200] [--rate 10] [--seconds 20]
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { CloudAI } from '@cloudai/sdk';
import { WebSocket } from 'ws';
import { makeApiToken } from '../packages/master/src/identity/tokens.ts';
import { TestMaster } from '../packages/master/src/testing/index.ts';
import { until } from '../tests/e2e/wait.ts';
import { printReport, quantile, type Row, usageOf } from './report.ts';
import { startScriptedWorkers, stopScriptedWorkers } from './scripted-workers.ts';

const LAG_EVERY_MS = 5;
const JOB_TASKS = 10_000;
const FIRST_PAGES = 100;
const TASK = {
  image: 'scripted',
  env: { CLOUDAI_SCRIPT: 'sleep=200' },
  resources: { cpu: 1, memory: '256Mi', storage: '16Mi' },
};

interface MasterReady {
  readonly url: string;
  readonly token: string;
  readonly folder: string;
  readonly workerEndpoint: string;
}

interface WatchOrder {
  readonly url: string;
  readonly token: string;
  readonly watchers: number;
}

/** What the master noted since the last time: delays of its loop, and of each event when it was durable. */
interface Noted {
  readonly lags: readonly number[];
  readonly committed: ReadonlyMap<number, number>;
}

interface Arrivals {
  /** Pairs of sequence and time. */
  readonly events: readonly number[];
  readonly tasks: readonly number[];
  readonly messages: number;
  readonly bytes: number;
}

const role = process.send === undefined ? 'bench' : process.argv[2];
if (role === 'master') await serve();
else if (role === 'watchers') await watch();
else await measure();

/** The master. Answers every message with what it noted. */
async function serve(): Promise<void> {
  const master = await TestMaster.start({
    sessions: { heartbeatMs: 5_000, leaseMs: 10_000, helloMs: 5_000 },
    engine: { suspectMs: 60_000, lostMs: 120_000, startGraceMs: 60_000 },
  });
  const { id, token, hash } = makeApiToken();
  await master.submit({ kind: 'putToken', id, user: 'admin', hash, expiresAt: null, by: 'admin' });
  let lags: number[] = [];
  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    lags.push(Math.max(0, now - last - LAG_EVERY_MS));
    last = now;
  }, LAG_EVERY_MS);
  let committed = new Map<number, number>();
  // The first listener is told before the watch is.
  master.handle.context.loop.onCommitted((changes) => {
    const at = Date.now();
    for (const change of changes) if (change.kind === 'event') committed.set(change.row.sequence, at);
  });
  process.on('message', () => {
    process.send?.({ lags, committed } satisfies Noted);
    lags = [];
    committed = new Map();
  });
  const { restUrl, workerEndpoint } = master.handle;
  process.send?.({ url: restUrl, token, folder: master.directory, workerEndpoint } satisfies MasterReady);
  await once(process, 'disconnect');
  await master.close();
  process.exit(0);
}

/** The watchers: they note when a change happened and when they heard of it, and do nothing else. */
async function watch(): Promise<void> {
  const [order] = (await once(process, 'message')) as [WatchOrder];
  const sockets: WebSocket[] = [];
  const arrivals = { events: [] as number[], tasks: [] as number[], messages: 0, bytes: 0 };
  const note = (data: Buffer): void => {
    arrivals.messages += 1;
    arrivals.bytes += data.length;
    const kind = data.toString('latin1', 9, 14);
    if (kind === 'event') arrivals.events.push(sequenceIn(data), Date.now());
    else if (kind === 'task"') arrivals.tasks.push(sequenceIn(data), Date.now());
  };
  for (let count = 0; count < order.watchers; count++) {
    const socket = new WebSocket(`${order.url.replace('http', 'ws')}/api/v1/watch`, {
      headers: { authorization: `Bearer ${order.token}` },
      perMessageDeflate: false,
    });
    await once(socket, 'open');
    const topics = [
      { topic: 'events' },
      { topic: 'tasks', state: 'running' },
      { topic: 'workers' },
      { topic: 'cluster' },
    ];
    for (const [index, topic] of topics.entries())
      socket.send(JSON.stringify({ kind: 'subscribe', id: String(index), ...topic }));
    socket.on('message', (data) => note(data as Buffer));
    sockets.push(socket);
  }
  process.send?.('watching');
  process.on('message', (message) => {
    if (message === 'begin') {
      arrivals.events.length = 0;
      arrivals.tasks.length = 0;
      arrivals.messages = 0;
      arrivals.bytes = 0;
    } else process.send?.(arrivals satisfies Arrivals);
  });
  await once(process, 'disconnect');
  for (const socket of sockets) socket.terminate();
  process.exit(0);
}

function sequenceIn(data: Buffer): number {
  const at = data.indexOf('"sequence":', 0, 'latin1') + '"sequence":'.length;
  return Number.parseInt(data.toString('latin1', at, at + 16), 10);
}

async function measure(): Promise<void> {
  const { values } = parseArgs({
    options: {
      workers: { type: 'string', default: '500' },
      stored: { type: 'string', default: '100000' },
      watchers: { type: 'string', default: '200' },
      rate: { type: 'string', default: '10' },
      seconds: { type: 'string', default: '20' },
    },
  });
  const master = child('master');
  const [ready] = (await once(master, 'message')) as [MasterReady];
  const client = new CloudAI({ url: ready.url, token: ready.token });
  const workers = await startScriptedWorkers({ ...ready, client }, Number(values.workers), 4);
  await until(async () => ((await client.getCluster()).workers.active ?? 0) === Number(values.workers), {
    what: 'all workers to be active',
    withinMs: 300_000,
  });
  // They wait for a machine that nobody has.
  const large = { ...TASK, resources: { ...TASK.resources, cpu: 64 } };
  for (let sent = 0; sent < Number(values.stored); sent += JOB_TASKS)
    await client.submitJob({
      tasks: Array.from({ length: Math.min(JOB_TASKS, Number(values.stored) - sent) }, () => large),
    });
  await until(async () => ((await client.getCluster()).tasks.queued ?? 0) === Number(values.stored), {
    what: 'all tasks to be queued',
    withinMs: 60_000,
  });

  const rows: Row[] = [];
  rows.push(await round('nobody watches', null));
  const watchers = child('watchers');
  watchers.send({ url: ready.url, token: ready.token, watchers: Number(values.watchers) } satisfies WatchOrder);
  await once(watchers, 'message');
  rows.push(await round(`${values.watchers} watch`, watchers));
  printReport(`${values.workers} workers, ${values.stored} tasks, ${values.rate} new tasks a second`, rows, [
    'Event, task: from the commit, once it is on disk, to the arrival at each watcher.',
    'First page: 100 tasks of the list, newest first, over REST while all of this goes on, one request after the other.',
    'Watchers, workers and clients share the machine with the master.',
  ]);
  watchers.disconnect();
  await stopScriptedWorkers(workers);
  client.close();
  const ended = once(master, 'exit');
  master.disconnect();
  await ended;

  async function round(what: string, watching: ChildProcess | null): Promise<Row> {
    await ask(master, 'lag');
    watching?.send('begin');
    const before = usageOf(master.pid!);
    const begun = performance.now();
    const [pages] = await Promise.all([firstPages(), submitFor(Number(values.seconds) * 1000)]);
    const ms = performance.now() - begun;
    const cpuMs = usageOf(master.pid!).cpuMs - before.cpuMs;
    const { lags, committed } = (await ask(master, 'lag')) as Noted;
    const arrivals = watching === null ? null : ((await ask(watching, 'end')) as Arrivals);
    const of = (list: readonly number[], q: number) => quantile(list, q);
    const delaysOf = (pairs: readonly number[] = []) =>
      pairs.flatMap((sequence, index) => {
        const commit = index % 2 === 0 ? committed.get(sequence) : undefined;
        return commit === undefined ? [] : [pairs[index + 1]! - commit];
      });
    const [events, tasks] = [delaysOf(arrivals?.events), delaysOf(arrivals?.tasks)];
    return {
      what,
      'event p50 ms': of(events, 0.5),
      'event p99 ms': of(events, 0.99),
      'task p50 ms': of(tasks, 0.5),
      'task p99 ms': of(tasks, 0.99),
      'messages/s': arrivals === null ? 0 : (arrivals.messages * 1000) / ms,
      'MiB/s': arrivals === null ? 0 : (arrivals.bytes / 2 ** 20) * (1000 / ms),
      'loop lag p50 ms': of(lags, 0.5),
      'loop lag p99 ms': of(lags, 0.99),
      'first page p95 ms': of(pages, 0.95),
      'master CPU, % of a core': (100 * cpuMs) / ms,
      'master RSS MiB': usageOf(master.pid!).rssBytes / 2 ** 20,
    };
  }

  async function submitFor(ms: number): Promise<void> {
    const until = performance.now() + ms;
    const everyMs = 1000 / Number(values.rate);
    for (let next = performance.now(); next < until; next += everyMs) {
      await client.submitTask(TASK);
      const wait = next + everyMs - performance.now();
      if (wait > 0) await pause(wait);
    }
    // What was begun is over.
    await pause(1_000);
  }

  async function firstPages(): Promise<number[]> {
    const took: number[] = [];
    for (let count = 0; count < FIRST_PAGES; count++) {
      const begun = performance.now();
      await client.listTasks({ limit: 100 }).page();
      took.push(performance.now() - begun);
      await pause((Number(values.seconds) * 1000) / FIRST_PAGES / 2);
    }
    return took;
  }
}

async function ask(process: ChildProcess, what: string): Promise<unknown> {
  process.send(what);
  const [answer] = await once(process, 'message');
  return answer;
}

function child(name: string): ChildProcess {
  const started = fork(import.meta.filename, [name], { stdio: 'inherit', serialization: 'advanced' });
  process.on('exit', () => started.kill('SIGKILL'));
  return started;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
