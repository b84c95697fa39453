import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { splitEndpoint } from '../testing/fake-worker.ts';
import { SessionCase } from '../testing/session-case.ts';
import { TestMaster } from '../testing/test-master.ts';

// A whole master starts here, and the machine may be busy with other things.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let bench: SessionCase;
let master: TestMaster;

beforeAll(async () => {
  bench = await SessionCase.open();
  master = bench.master;
});
afterAll(async () => {
  await bench.close();
});

describe('strangers', () => {
  test('have so many connections and so much time', async () => {
    const own = await TestMaster.start({ guard: { perAddress: 5, total: 100, lifetimeMs: 400 } });
    const [host, port] = splitEndpoint(own.endpoint);
    const sockets: Socket[] = [];
    try {
      const closed = Array.from({ length: 8 }, () => {
        const socket = connectTcp({ host, port });
        sockets.push(socket);
        socket.on('error', () => {});
        return new Promise<number>((resolve) => socket.once('close', () => resolve(performance.now())));
      });
      const started = performance.now();
      await Promise.race(closed);
      await new Promise((resolve) => setTimeout(resolve, 150));
      expect(sockets.filter((socket) => socket.closed)).toHaveLength(3);
      await Promise.all(closed);
      expect(performance.now() - started).toBeGreaterThan(350);
      // Those with a certificate are none: they stay, and do not count.
      const members = await Promise.all(Array.from({ length: 4 }, async (_, i) => await own.join(`m${i}`)));
      const sessions = await Promise.all(members.map((member) => member.connect()));
      await new Promise((resolve) => setTimeout(resolve, 500));
      for (const session of sessions) {
        session.heartbeat();
        await session.next('heartbeatAck');
      }
      for (const member of members) member.disconnect();
    } finally {
      for (const socket of sockets) socket.destroy();
      await own.close();
    }
  });

  test('do no harm by naming an address that is none', async () => {
    const thrown: unknown[] = [];
    const note = (error: unknown) => thrown.push(error);
    process.on('uncaughtException', note);
    const session = connectHttp2(`https://${master.endpoint}`, { rejectUnauthorized: false });
    try {
      const request = session.request({
        ':method': 'POST',
        ':path': '/cloudai.worker.v1.WorkerService/RegisterWorker',
        ':authority': '[::1',
        'content-type': 'application/grpc',
      });
      const status = new Promise((resolve) => request.once('response', (headers) => resolve(headers[':status'])));
      request.end();
      expect(await status).toBe(400);
      expect(thrown).toEqual([]);
    } finally {
      process.off('uncaughtException', note);
      session.destroy();
    }
  });

  test('speak TLS 1.3 and HTTP/2 or nothing', async () => {
    const [host, port] = splitEndpoint(master.endpoint);
    const attempt = (options: object) =>
      new Promise<string>((resolve) => {
        const socket = connectTls({ host, port, rejectUnauthorized: false, ...options });
        socket.once('secureConnect', () => {
          resolve(`${socket.getProtocol()} ${socket.alpnProtocol}`);
          socket.destroy();
        });
        socket.once('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message));
      });
    expect(await attempt({ ALPNProtocols: ['h2'] })).toBe('TLSv1.3 h2');
    expect(await attempt({ ALPNProtocols: ['h2'], maxVersion: 'TLSv1.2' })).toContain('ERR_SSL');
    expect(await attempt({ ALPNProtocols: ['http/1.1'] })).toContain('ERR_SSL');
  });
});
