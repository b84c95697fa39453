// What is beside the operations: TLS, health, reflection, and the end of the server.
import { createServer, type Server } from 'node:net';
import { create, createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { healthWire, reflectionWire, userWire } from '@cloudai/api';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { tokenFor, transportTo, userClient } from '../testing/grpc-client.ts';
import { ENDED } from '../testing/session-case.ts';
import { eventually, TestMaster } from '../testing/test-master.ts';

// A whole master starts in each case, and the machine may be busy with other things.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function started(options: Parameters<typeof TestMaster.start>[0] = { grpc: { port: 0 } }): Promise<TestMaster> {
  const master = await TestMaster.start(options);
  open.push(() => master.close());
  return master;
}

async function codeOf(call: Promise<unknown>): Promise<Code | null> {
  return await call.then(
    () => null,
    (error: unknown) => ConnectError.from(error).code,
  );
}

/** A task that ended and left this file. */
async function leave(master: TestMaster, path: string, data: Buffer): Promise<string> {
  const worker = await master.join('w1');
  const session = await worker.connect();
  const taskId = await master.submitTask();
  const key = { taskId, attempt: 1 };
  await session.next('assign', (assign) => assign.key?.taskId === taskId);
  session.report(key, { case: 'running', value: { startedAt: 1n, containerId: 'c1', imageDigest: '' } });
  await session.next('reportAck');
  const sizeBytes = BigInt(data.byteLength);
  const header = { key, session: session.number, path, sizeBytes };
  const { digest } = await worker.service.uploadArtifact(
    (async function* () {
      yield { message: { case: 'header' as const, value: header as never } };
      yield { message: { case: 'data' as const, value: new Uint8Array(data) } };
    })(),
  );
  session.report(key, { case: 'ended', value: { ...ENDED, artifacts: [{ path, sizeBytes, digest }] } as never });
  await session.next('reportAck');
  open.push(async () => worker.disconnect());
  return taskId;
}

test('beyond loopback it speaks TLS with a certificate of the cluster, to HTTP/2 and to HTTP/1.1', async () => {
  const master = await started({ grpc: { host: '0.0.0.0', port: 0 }, rest: { port: 0, hosts: ['localhost'] } });
  const { token } = await tokenFor(master, 'admin', 'admin');
  const { url, ca } = {
    url: master.handle.grpcUrl!.replace('0.0.0.0', 'localhost'),
    ca: master.handle.context.identity.rootPem,
  };
  expect(url).toMatch(/^https:\/\/localhost:\d+$/);
  const headers = { authorization: `Bearer ${token}` };
  const grpc = userClient(createGrpcTransport({ baseUrl: url, nodeOptions: { ca } }));
  expect((await grpc.getVersion({}, { headers })).api).toBe('v1');
  const connect = userClient(createConnectTransport({ baseUrl: url, httpVersion: '1.1', nodeOptions: { ca } }));
  expect((await connect.getVersion({}, { headers })).api).toBe('v1');
  const stranger = userClient(createGrpcTransport({ baseUrl: url }));
  expect(await codeOf(stranger.getVersion({}, { headers }))).not.toBeNull();
  const clear = userClient(createGrpcTransport({ baseUrl: url.replace('https', 'http') }));
  expect(await codeOf(clear.getVersion({}, { headers, timeoutMs: 5_000 }))).not.toBeNull();
});

test('a port that was asked for and is taken stops the master; without asking it goes on without gRPC', async () => {
  const taken: Server = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  open.push(() => new Promise((resolve) => taken.close(() => resolve())));
  const { port } = taken.address() as { port: number };
  await expect(started({ grpc: { port } })).rejects.toThrow(/--grpc-listen HOST:PORT/);
  const master = await started({});
  expect(master.handle.grpcUrl).toBeNull();
});

test("a user's script that asks too often is told to wait, an admin is not", async () => {
  const master = await started({ grpc: { port: 0 }, rest: { port: 0, requestsPerSecond: 1 } });
  const ann = userClient(transportTo(master, (await tokenFor(master, 'ann', 'user', ['red'])).token));
  const codes = await Promise.all(Array.from({ length: 20 }, () => codeOf(ann.getVersion({}))));
  expect(codes).toContain(Code.ResourceExhausted);
  expect(codes).toContain(null);
  const admin = userClient(transportTo(master, (await tokenFor(master, 'admin', 'admin')).token));
  expect(await Promise.all(Array.from({ length: 20 }, () => codeOf(admin.getVersion({}))))).not.toContain(
    Code.ResourceExhausted,
  );
});

test('whoever guesses tokens is told to wait, good tokens are not', async () => {
  const master = await started({ grpc: { port: 0 }, rest: { port: 0, failedLogins: 3 } });
  const { token } = await tokenFor(master, 'ann', 'user', ['red']);
  const guess = userClient(transportTo(master, `${token}x`));
  const guesses: (Code | null)[] = [];
  for (let n = 0; n < 5; n++) guesses.push(await codeOf(guess.getVersion({})));
  const { Unauthenticated, ResourceExhausted } = Code;
  expect(guesses).toEqual([Unauthenticated, Unauthenticated, Unauthenticated, ResourceExhausted, ResourceExhausted]);
  expect(await codeOf(userClient(transportTo(master, token)).getVersion({}))).toBeNull();
  // A call without any token is no guess.
  expect(await codeOf(userClient(transportTo(master, null)).getVersion({}))).toBe(Unauthenticated);
});

test('a file comes in pieces, whole or a range of it', async () => {
  const master = await started();
  const admin = userClient(transportTo(master, (await tokenFor(master, 'admin', 'admin')).token));
  const data = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index & 0xff));
  const taskId = await leave(master, 'out/data.bin', data);
  const read = async (range: { offset?: bigint; length?: bigint }) => {
    const pieces: Uint8Array[] = [];
    let size = 0n;
    for await (const { part } of admin.getArtifact({ taskId, path: 'out/data.bin', ...range })) {
      if (part.case === 'info') size = part.value.sizeBytes;
      if (part.case === 'data') pieces.push(part.value);
    }
    expect(size).toBe(200_000n);
    expect(pieces.every((piece) => piece.length <= 64 * 1024)).toBe(true);
    return Buffer.concat(pieces);
  };
  expect(await read({})).toEqual(data);
  expect(await read({ offset: 100_000n })).toEqual(data.subarray(100_000));
  expect(await read({ offset: 5n, length: 10n })).toEqual(data.subarray(5, 15));
  expect(await codeOf(read({ offset: 300_000n }))).toBe(Code.OutOfRange);
  expect((await admin.listArtifacts({ taskId })).items).toMatchObject([{ path: 'out/data.bin', sizeBytes: 200_000n }]);
  const other = (async () => {
    for await (const _ of admin.getArtifact({ taskId, path: 'out/other' }));
  })();
  expect(await codeOf(other)).toBe(Code.NotFound);
});

describe('health', () => {
  test('is told without a token, for the whole and for each service', async () => {
    const master = await started();
    const health = createClient(healthWire.Health, transportTo(master, null));
    const { SERVING } = healthWire.HealthCheckResponse_ServingStatus;
    for (const service of ['', 'cloudai.user.v1.CloudAI', 'cloudai.agent.v1.MasterAgent'])
      expect((await health.check({ service })).status).toBe(SERVING);
    expect(await codeOf(health.check({ service: 'nobody' }))).toBe(Code.NotFound);
    for await (const { status } of health.watch({})) {
      expect(status).toBe(SERVING);
      break;
    }
  });
});

describe('reflection', () => {
  test('tells what is served, whole, to whom has a token', async () => {
    const master = await started();
    const { token } = await tokenFor(master, 'admin', 'admin');
    const ask = async (
      message: reflectionWire.ServerReflectionRequest['messageRequest'],
      from: string | null = token,
    ) => {
      const client = createClient(reflectionWire.ServerReflection, transportTo(master, from));
      for await (const answer of client.serverReflectionInfo(
        (async function* () {
          yield { messageRequest: message };
        })(),
      ))
        return answer.messageResponse;
      return undefined;
    };
    const services = await ask({ case: 'listServices', value: '' });
    expect(services).toMatchObject({ case: 'listServicesResponse' });
    const names = (services!.value as reflectionWire.ListServiceResponse).service.map(({ name }) => name);
    expect(names).toContain('cloudai.agent.v1.MasterAgent');
    const files = await ask({ case: 'fileContainingSymbol', value: 'cloudai.user.v1.CloudAI.SubmitTask' });
    const protos = (files!.value as reflectionWire.FileDescriptorResponse).fileDescriptorProto.map((bytes) =>
      fromBinary(FileDescriptorProtoSchema, bytes),
    );
    // Each import is there before the file that wants it.
    const seen = new Set<string>();
    for (const { name, dependency } of protos) {
      for (const wanted of dependency) expect(seen, `${name} imports ${wanted}`).toContain(wanted);
      seen.add(name);
    }
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: protos }));
    expect(registry.getService('cloudai.user.v1.CloudAI')?.methods).toHaveLength(userWire.CloudAI.methods.length);
    expect(await ask({ case: 'fileByFilename', value: 'nothing.proto' })).toMatchObject({ case: 'errorResponse' });
    expect(await codeOf(ask({ case: 'listServices', value: '' }, null))).toBe(Code.Unauthenticated);
  });
});

describe('when the master stops', () => {
  test('streams are told to come back, and further calls find nobody', async () => {
    const master = await TestMaster.start({ grpc: { port: 0 } });
    const { token } = await tokenFor(master, 'admin', 'admin');
    const client = userClient(transportTo(master, token));
    const id = await master.submitTask({ cpu: 100 });
    let watching = false;
    const watch = codeOf(
      (async () => {
        for await (const _ of client.watchEvents({})) watching = true;
      })(),
    );
    const statuses: string[] = [];
    const log = (async () => {
      for await (const { status } of client.streamTaskLogs({ taskId: id, follow: true })) statuses.push(status);
    })();
    await eventually('the watch is open', () => watching);
    await new Promise((resolve) => setImmediate(resolve));
    await master.close();
    expect(await watch).toBe(Code.Unavailable);
    await log.catch(() => {});
    expect(statuses.every((status) => status === 'interrupted')).toBe(true);
    expect(await codeOf(client.getVersion({}))).toBe(Code.Unavailable);
  });
});
