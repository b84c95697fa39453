// How long the reads of the dashboard take with many tasks in the store: percentiles of single requests, one at a time
// per client, over HTTP against a master in a process of its own.
//   node bench/reads.ts [--tasks 100000] [--workers 500] [--requests 300] [--clients 4]
import { fork } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { parseArgs } from 'node:util';
import { startRest } from '../packages/master/src/rest/index.ts';
import { Bench } from '../packages/master/src/testing/bench.ts';
import { printReport, quantile, type Row } from './report.ts';

const JOB_TASKS = 10_000;
const IMAGES = ['busybox:1', 'registry.example/train:2', 'registry.example/render:7'];

if (process.send !== undefined) await serve();
else {
  const { values } = parseArgs({
    options: {
      tasks: { type: 'string', default: '100000' },
      workers: { type: 'string', default: '500' },
      requests: { type: 'string', default: '300' },
      clients: { type: 'string', default: '4' },
    },
  });
  await measure(Number(values.tasks), Number(values.workers), Number(values.requests), Number(values.clients));
}

async function serve(): Promise<void> {
  const workers = Number(process.env.WORKERS);
  const bench = await Bench.open();
  await bench.addUser('ann', 'user', ['red']);
  for (let index = 0; index < workers; index++) await bench.addWorker(`w-${index}`, { cpu: 0.1, memory: 0.1 });
  const rest = await startRest(bench.context, { host: '127.0.0.1', port: 0, requestsPerSecond: null });
  process.send?.({ url: rest.url, tokens: Object.fromEntries(bench.tokens) });
  await once(process, 'disconnect');
  await rest.close();
  await bench.close();
}

async function measure(tasks: number, workers: number, requests: number, clients: number): Promise<void> {
  const master = fork(import.meta.filename, { stdio: 'inherit', env: { ...process.env, WORKERS: String(workers) } });
  type Ready = { url: string; tokens: Record<string, string> };
  const [{ url, tokens }] = (await once(master, 'message')) as [Ready];
  const agent = new http.Agent({ keepAlive: true, maxSockets: clients });
  const call = (method: string, path: string, user = 'admin', body?: string) =>
    request(agent, `${url}/api/v1${path}`, method, tokens[user]!, body);

  let last = '';
  for (let done = 0; done < tasks; done += JOB_TASKS) {
    const batch = Array.from({ length: Math.min(JOB_TASKS, tasks - done) }, (_, index) => ({
      name: `task-${done + index}`,
      image: IMAGES[index % IMAGES.length],
      command: 'echo hello',
      priority: index % 101,
      labels: { zone: String(index % 7) },
      ...(index % 4 === 0 ? { startAfter: '2040-01-01T00:00:00Z' } : {}),
    }));
    const namespace = (done / JOB_TASKS) % 10 === 0 ? 'red' : 'default';
    last = await call('POST', `/jobs?namespace=${namespace}`, 'admin', JSON.stringify({ tasks: batch }));
  }
  const { taskIds, jobId } = JSON.parse(last) as { taskIds: string[]; jobId: string };
  const cases: [what: string, path: string, user?: string][] = [
    ['tasks: search that finds many', '/tasks?limit=100&q=train'],
    ['tasks: first page of 100', '/tasks?limit=100'],
    ['tasks: first page, a member of one namespace', '/tasks?limit=100', 'ann'],
    ['tasks: queued, by priority', '/tasks?limit=100&state=queued&order=priority'],
    ['tasks: pending with a label', '/tasks?limit=100&state=pending&label=zone=3'],
    ['tasks: search that finds one', `/tasks?limit=100&q=task-${tasks - 5}`],
    ['tasks: search that finds nothing', '/tasks?limit=100&q=nothing-of-the-kind'],
    ['one task', `/tasks/${taskIds[0]}`],
    ['why it waits', `/tasks/${taskIds[1]}/explain`],
    ['one job of 10,000', `/jobs/${jobId}`],
    ['jobs: first page', '/jobs'],
    ['queue: first page of 100', '/queue?limit=100'],
    ['workers: all', '/workers'],
    ['events: newest 100', '/events?order=newest&limit=100'],
    ['cluster', '/cluster'],
  ];
  const rows: Row[] = [];
  for (const [what, path, user] of cases) {
    for (let index = 0; index < 20; index++) await call('GET', path, user);
    const took: number[] = [];
    let bytes = 0;
    let left = requests;
    const client = async () => {
      while (left-- > 0) {
        const started = performance.now();
        bytes = (await call('GET', path, user)).length;
        took.push(performance.now() - started);
      }
    };
    await Promise.all(Array.from({ length: clients }, client));
    const ms = (share: number) => Number(quantile(took, share).toFixed(1));
    rows.push({ read: what, 'p50 ms': ms(0.5), 'p95 ms': ms(0.95), 'p99 ms': ms(0.99), bytes });
  }
  printReport(`Reads with ${tasks} tasks and ${workers} workers, ${clients} clients`, rows);
  agent.destroy();
  master.disconnect();
}

function request(agent: http.Agent, url: string, method: string, token: string, body?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = http.request(url, {
      agent,
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
      },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('error', reject);
      response.on('end', () =>
        (response.statusCode ?? 0) < 300 ? resolve(text) : reject(new Error(`${method} ${url}: ${text.slice(0, 300)}`)),
      );
    });
    outgoing.end(body);
  });
}
