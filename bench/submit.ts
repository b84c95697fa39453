// How many tasks a second the master takes in durably: one a call from 64 clients, and a thousand a call. Beside it what
// SQLite alone does with the same disk: one row a commit, and a thousand rows a commit, each commit synced.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Cluster } from '../tests/e2e/cluster.ts';
import { median, printReport, quantile, usageOf } from './report.ts';

const CLIENTS = 64;
const SINGLES = 4_000;
const BATCH = 1_000;
const BATCHES = 10;
const ROUNDS = 3;
const COMMITS = 300;

const TASK = {
  image: 'cloudai/busybox:local',
  command: 'echo hello',
  resources: { cpu: '500m', memory: '256Mi' },
  env: { NAME: 'value' },
};

interface Round {
  readonly tasksPerSecond: number;
  readonly latencies: readonly number[];
  readonly masterCpuMs: number;
}

const cluster = new Cluster({ workers: [] });
try {
  await cluster.start();
  const single = JSON.stringify(TASK);
  const batch = JSON.stringify({ tasks: Array.from({ length: BATCH }, () => TASK) });
  // The first calls pay for code that is not compiled yet.
  await submit('/tasks', single, 1, CLIENTS * 10, CLIENTS);
  const singles: Round[] = [];
  const batches: Round[] = [];
  const rowCommits: number[] = [];
  const batchCommits: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    rowCommits.push(commits(1, COMMITS));
    singles.push(await submit('/tasks', single, 1, SINGLES, CLIENTS));
    batchCommits.push(commits(BATCH, BATCHES));
    batches.push(await submit('/jobs', batch, BATCH, BATCHES, 1));
  }
  printReport(
    'Durable submits',
    [
      rowOf(`one a call, ${CLIENTS} clients`, singles, rowCommits, 1),
      rowOf(`${BATCH} a call, 1 client`, batches, batchCommits, BATCH),
    ],
    [
      `Medians of ${ROUNDS} rounds. SQLite alone: rows/s of one thread that writes rows of the same size and syncs each`,
      'commit; the master shares one commit between the calls that wait for it.',
    ],
  );
} finally {
  await cluster.close({ settle: false });
}

function rowOf(what: string, rounds: readonly Round[], baseline: readonly number[], each: number) {
  const latencies = rounds.flatMap((round) => round.latencies);
  return {
    what,
    'tasks/s': median(rounds.map((round) => round.tasksPerSecond)),
    'SQLite alone, rows/s': median(baseline),
    'p50 ms': quantile(latencies, 0.5),
    'p99 ms': quantile(latencies, 0.99),
    'master CPU µs a task': median(rounds.map((round) => (round.masterCpuMs * 1000) / (round.latencies.length * each))),
  };
}

/** `calls` requests that hold `each` tasks, `atOnce` of them under way at any time. */
async function submit(route: string, body: string, each: number, calls: number, atOnce: number): Promise<Round> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: atOnce });
  const latencies: number[] = [];
  let left = calls;
  const cpuBefore = usageOf(cluster.master.pid).cpuMs;
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left-- > 0) {
        const sent = performance.now();
        await post(agent, route, body);
        latencies.push(performance.now() - sent);
      }
    }),
  );
  const seconds = (performance.now() - begun) / 1000;
  agent.destroy();
  const masterCpuMs = usageOf(cluster.master.pid).cpuMs - cpuBefore;
  return { tasksPerSecond: (calls * each) / seconds, latencies, masterCpuMs };
}

function post(agent: http.Agent, route: string, body: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const headers = {
    authorization: `Bearer ${cluster.token}`,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  };
  const request = http.request(`${cluster.url}/api/v1${route}`, { method: 'POST', agent, headers }, (response) => {
    response.resume();
    response.on('end', () => {
      if (response.statusCode === 201) resolve();
      else reject(new Error(`the master answered ${response.statusCode}`));
    });
  });
  request.on('error', reject);
  request.end(body);
  return promise;
}

/** Rows a second of SQLite alone, beside the master's own file. */
function commits(rows: number, count: number): number {
  const file = path.join(cluster.folder, 'baseline.db');
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  database.exec('CREATE TABLE tasks (id TEXT PRIMARY KEY, body TEXT) WITHOUT ROWID');
  const insert = database.prepare('INSERT INTO tasks VALUES (?, ?)');
  const body = JSON.stringify(TASK);
  const begun = performance.now();
  for (let commit = 0; commit < count; commit++) {
    database.exec('BEGIN');
    for (let row = 0; row < rows; row++) insert.run(`${commit}-${row}`, body);
    database.exec('COMMIT');
  }
  const seconds = (performance.now() - begun) / 1000;
  database.close();
  for (const end of ['', '-wal', '-shm']) fs.rmSync(`${file}${end}`, { force: true });
  return (rows * count) / seconds;
}
