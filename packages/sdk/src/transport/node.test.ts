import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CloudAI } from '../client.ts';
import { createTransport } from './node.ts';

const HAS_OPENSSL = process.env.PATH?.split(':').some((folder) => fs.existsSync(path.join(folder, 'openssl'))) === true;

describe.skipIf(!HAS_OPENSSL)('over TLS with an authority of the cluster', () => {
  let folder: string;
  let server: https.Server;
  let url: string;
  let ca: string;

  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cloudai-tls-'));
    const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
        ...['-subj', '/CN=test', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert],
      ],
      { stdio: 'ignore' },
    );
    ca = fs.readFileSync(cert, 'utf8');
    server = https.createServer({ key: fs.readFileSync(key), cert: ca }, (_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end('{"version":"1","api":"v1","node":"24"}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.close();
    server.closeAllConnections();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  test('it is trusted when it is given', async () => {
    const client = new CloudAI({ url, ca });
    expect((await client.getVersion()).version).toBe('1');
    client.close();
  });

  test('it is refused, once and with the reason, when it is not', async () => {
    const notices: unknown[] = [];
    const client = new CloudAI({ url, onRetry: (notice) => notices.push(notice) });
    await expect(client.getVersion()).rejects.toMatchObject({
      kind: 'tls',
      message: expect.stringContaining('not trusted'),
    });
    expect(notices).toEqual([]);
  });
});

test('a server that says nothing is given up after the time for an answer', async () => {
  const silent = net.createServer();
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  const client = new CloudAI({ url: `http://127.0.0.1:${port}`, answerTimeoutMs: 50, retry: { limit: 0 } });
  await expect(client.getVersion()).rejects.toMatchObject({
    kind: 'lost',
    message: expect.stringContaining('within 0.05 s'),
  });
  client.close();
  silent.close();
});

test('an unknown name is told as such', async () => {
  const transport = createTransport({ ca: null });
  const request = { method: 'GET', headers: {}, body: null, signal: null, answerTimeoutMs: 1000 };
  await expect(transport.send({ ...request, url: 'http://no-such-host.invalid/' })).rejects.toMatchObject({
    kind: 'refused',
  });
});
