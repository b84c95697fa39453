import { afterEach, expect, test } from 'vitest';
import { WorkerMetrics } from './metrics.ts';
import { type MetricsServer, readAddress, serveMetrics } from './metrics-server.ts';

const USAGE = {
  cpu: 0.25,
  memoryBytes: 100,
  storageBytes: 200,
  storageFreeBytes: 300,
  gpu: 0,
  networkRxBytes: 0,
  networkTxBytes: 0,
};
const KEY = { taskId: 'aaaabbbbccccdddd', attempt: 1 };
let server: MetricsServer | null = null;
afterEach(() => server?.close());

function metrics() {
  return new WorkerMetrics({
    version: '1.2.3',
    isConnected: () => true,
    isHealthy: () => false,
    usage: () => USAGE,
    phases: () => ['running', 'running', 'starting'],
  });
}

async function show(of: WorkerMetrics, token: string | null = null, listen = '127.0.0.1:0'): Promise<string> {
  server = await serveMetrics({ listen, token, contentType: of.contentType, text: () => of.text() });
  return server.url;
}

function phase(name: 'pull' | 'start' | 'run', ms: number, error: string | null = null) {
  return { name, key: KEY, traceparent: null, startedAt: 1_000, endedAt: 1_000 + ms, error };
}

test('what attempts did and used, without a name of a task', async () => {
  const of = metrics();
  of.onPhase(phase('pull', 2_000));
  of.onPhase(phase('start', 300));
  of.onPhase(phase('start', 10, 'no such command'));
  of.onPhase(phase('run', 60_000));
  of.onUsed({ cpuMicros: 1_500_000, networkRxBytes: 5, networkTxBytes: 6, diskReadBytes: 7, diskWriteBytes: 8 });
  of.onEnded({ reason: 'exit_zero', peakMemoryBytes: 2 ** 21 } as never);
  of.onHeartbeat(null);
  of.onHeartbeat(12);
  const text = await (await fetch(await show(of))).text();
  for (const line of [
    'cloudai_worker_build_info{version="1.2.3"} 1',
    'cloudai_worker_connected 1',
    'cloudai_worker_healthy 0',
    'cloudai_worker_machine_cpu_usage_ratio 0.25',
    'cloudai_worker_machine_storage_free_bytes 300',
    'cloudai_worker_attempts_here{phase="running"} 2',
    'cloudai_worker_attempts_here{phase="ended"} 0',
    'cloudai_worker_image_pull_seconds_sum 2',
    'cloudai_worker_container_start_seconds_count 2',
    'cloudai_worker_attempts_started_total 1',
    'cloudai_worker_errors_total{phase="start"} 1',
    'cloudai_worker_attempt_run_seconds_sum 60',
    'cloudai_worker_attempts_cpu_seconds_total 1.5',
    'cloudai_worker_attempts_disk_written_bytes_total 8',
    'cloudai_worker_attempts_ended_total{reason="exit_zero"} 1',
    'cloudai_worker_attempt_memory_peak_bytes_sum 2097152',
    'cloudai_worker_heartbeats_sent_total 1',
    'cloudai_worker_heartbeat_seconds_count 1',
  ])
    expect(text.split('\n')).toContain(line);
  expect(text).not.toContain(KEY.taskId);
});

test('a token is wanted where one is set, and only /metrics is there', async () => {
  const url = await show(metrics(), 'secret');
  const status = async (path: string, authorization?: string, method = 'GET') =>
    (await fetch(new URL(path, url), { method, headers: authorization === undefined ? {} : { authorization } })).status;
  expect(await status('/metrics')).toBe(401);
  expect(await status('/metrics', 'Bearer wrong')).toBe(401);
  expect(await status('/metrics', 'Bearer secret')).toBe(200);
  expect(await status('/metrics', 'Bearer secret', 'POST')).toBe(405);
  expect(await status('/', 'Bearer secret')).toBe(404);
});

test('beyond loopback it refuses to show them to everybody; a taken port says which', async () => {
  await expect(show(metrics(), null, '0.0.0.0:0')).rejects.toThrow('worker.metricsToken');
  const url = new URL(await show(metrics()));
  const again = serveMetrics({ listen: url.host, token: null, contentType: '', text: async () => '' });
  await expect(again).rejects.toThrow(`${url.host} (EADDRINUSE)`);
});

test('an address is a port, with or without a host', () => {
  expect(readAddress('9101')).toEqual({ host: '127.0.0.1', port: 9101 });
  expect(readAddress(':9101')).toEqual({ host: '127.0.0.1', port: 9101 });
  expect(readAddress('[::1]:9101')).toEqual({ host: '::1', port: 9101 });
  for (const bad of ['', 'host', 'a:b', '1.2.3.4:99999']) expect(() => readAddress(bad)).toThrow('HOST:PORT');
});
