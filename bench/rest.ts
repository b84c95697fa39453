// How many requests the REST port answers, and what one costs the master in CPU (all of its threads). The master runs in
// a process of its own, with its store on disk; this process is the clients.
//   node bench/rest.ts [--clients 64] [--tasks 10000] [--jobs 5]
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { parseArgs } from 'node:util';
import { startRest } from '../packages/master/src/rest/index.ts';
import { Bench } from '../packages/master/src/testing/bench.ts';
import { printReport, type Row } from './report.ts';

const TASK = {
  image: 'busybox:1',
  command: 'echo hello',
  resources: { cpu: '500m', memory: '256Mi' },
  labels: { zone: 'a' },
  env: { NAME: 'value' },
};
const JOB_TASKS = 10_000;

if (process.send !== undefined) await serve();
else {
  const { values } = parseArgs({
    options: {
      clients: { type: 'string', default: '64' },
      tasks: { type: 'string', default: '10000' },
      jobs: { type: 'string', default: '5' },
    },
  });
  await measure(Number(values.clients), Number(values.tasks), Number(values.jobs));
}

async function serve(): Promise<void> {
  const bench = await Bench.open();
  const rest = await startRest(bench.context, { host: '127.0.0.1', port: 0 });
  process.send?.({ url: rest.url, token: bench.tokens.get('admin') });
  process.on('message', () => process.send?.(process.cpuUsage()));
  await once(process, 'disconnect');
  await rest.close();
  await bench.close();
}

async function measure(clients: number, tasks: number, jobs: number): Promise<void> {
  const master = fork(import.meta.filename, { stdio: 'inherit' });
  const [{ url, token }] = (await once(master, 'message')) as [{ url: string; token: string }];
  const agent = new http.Agent({ keepAlive: true, maxSockets: clients });
  const call = (method: string, path: string, body?: string) =>
    request(agent, `${url}/api/v1${path}`, method, token, body);
  const task = JSON.stringify(TASK);
  const rows: Row[] = [];
  const round = async (what: string, count: number, atOnce: number, send: () => Promise<unknown>, each = 1) => {
    rows.push({ what, ...(await repeat(master, count, atOnce, send, each)) });
  };

  await repeat(master, 2_000, clients, () => call('POST', '/tasks', task), 1);
  await round(`submit, ${clients} clients`, tasks, clients, () => call('POST', '/tasks', task));
  await round('submit, 1 client', 300, 1, () => call('POST', '/tasks', task));
  const { items } = JSON.parse(await call('GET', '/tasks?limit=1')) as { items: { id: string }[] };
  await round(`read a task, ${clients} clients`, tasks, clients, () => call('GET', `/tasks/${items[0]!.id}`));
  await round('list 100 tasks, 8 clients', 500, 8, () => call('GET', '/tasks?limit=100'));
  await round('queue of 100, 8 clients', 500, 8, () => call('GET', '/queue'));
  const job = JSON.stringify({
    tasks: Array.from({ length: JOB_TASKS }, (_, index) => ({ ...TASK, name: `task-${index}` })),
  });
  await round(`job of ${JOB_TASKS}, per task`, jobs, 1, () => call('POST', '/jobs', job), JOB_TASKS);
  await round('cluster figures, 8 clients', 200, 8, () => call('GET', '/cluster'));
  printReport('REST', rows, ['The clients share the machine with the master: go by the CPU where others use it too.']);
  agent.destroy();
  master.disconnect();
}

/** `each`: how many things one call is about. */
async function repeat(master: ChildProcess, count: number, atOnce: number, send: () => Promise<unknown>, each: number) {
  const latencies: number[] = [];
  const before = await cpuMicros(master);
  const started = performance.now();
  let left = count;
  const client = async () => {
    while (left-- > 0) {
      const begun = performance.now();
      await send();
      latencies.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  const seconds = (performance.now() - started) / 1000;
  const cpu = (await cpuMicros(master)) - before;
  latencies.sort((a, b) => a - b);
  return {
    'per s': Math.round((count * each) / seconds),
    'per CPU-s': Math.round((count * each * 1e6) / cpu),
    'CPU us': Number((cpu / count / each).toFixed(1)),
    'p50 ms': Number(latencies[Math.floor(latencies.length / 2)]?.toFixed(1)),
    'p99 ms': Number(latencies[Math.floor(latencies.length * 0.99)]?.toFixed(1)),
  };
}

async function cpuMicros(master: ChildProcess): Promise<number> {
  master.send('cpu');
  const [{ user, system }] = (await once(master, 'message')) as [NodeJS.CpuUsage];
  return user + system;
}

function request(agent: http.Agent, url: string, method: string, token: string, body?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    };
    const sent = http.request(url, { method, agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        if ((response.statusCode ?? 500) < 300) resolve(text);
        else reject(new Error(`${method} ${url}: ${text}`));
      });
    });
    sent.on('error', reject).end(body);
  });
}
