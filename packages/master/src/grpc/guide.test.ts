// The examples of docs/guides/grpc.md are calls that work.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { agentWire, userWire } from '@cloudai/api';
import { expect, test, vi } from 'vitest';
import { tokenFor } from '../testing/grpc-client.ts';
import { TestMaster } from '../testing/test-master.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const GUIDE = path.resolve(import.meta.dirname, '../../../../docs/guides/grpc.md');
/** Of curl and of grpcurl: the body, then the method. */
const CALL = /-d '(\{.*\})'\s+(?:http:\/\/)?127\.0\.0\.1:50052[/ ]([\w.]+)\/(\w+)/g;

test('the calls of the guide are answered, and its streams are streams', async () => {
  const calls = [...(await readFile(GUIDE, 'utf8')).matchAll(CALL)];
  expect(calls.map(([, , , method]) => method)).toEqual([
    'SubmitTask',
    'StreamTaskLogs',
    'WatchEvents',
    'ListTasks',
    'FetchClusterState',
  ]);
  const master = await TestMaster.start({ grpc: { port: 0 } });
  try {
    const { token } = await tokenFor(master, 'admin', 'admin');
    for (const [, body, service, name] of calls) {
      const known = [userWire.CloudAI, agentWire.MasterAgent].find(({ typeName }) => typeName === service);
      const method = known?.methods.find((one) => one.name === name);
      expect(method, name).toBeDefined();
      if (method!.methodKind !== 'unary') continue;
      const response = await fetch(`${master.handle.grpcUrl}/${service}/${name}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: body!,
      });
      expect(response.status, `${name}: ${await response.text()}`).toBe(200);
    }
  } finally {
    await master.close();
  }
});
