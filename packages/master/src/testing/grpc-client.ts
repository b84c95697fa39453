/** Speaks to the gRPC port of a test's master over a real socket, as a user of its own. */
import { userWire } from '@cloudai/api';
import type { Role } from '@cloudai/engine';
import { type Client, createClient, type Interceptor, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import type { TestMaster } from './test-master.ts';

export type Protocol = 'grpc' | 'grpc-web' | 'connect';

/** Makes the user, if need be, and a token. */
export async function tokenFor(master: TestMaster, user: string, role: Role, namespaces: readonly string[] = []) {
  for (const name of namespaces)
    if (master.engine.namespace(name) === null)
      await ok(master, { kind: 'putNamespace', name, quota: null, by: 'admin' });
  if (master.engine.user(user)?.role !== role)
    await ok(master, { kind: 'putUser', name: user, role, namespaces, disabled: false, by: 'admin' });
  const { id, token, hash } = master.handle.context.identity.makeApiToken();
  await ok(master, { kind: 'putToken', id, user, hash, expiresAt: null, by: 'admin' });
  return { id, token };
}

export function transportTo(master: TestMaster, token: string | null, protocol: Protocol = 'grpc'): Transport {
  const authorise: Interceptor = (next) => (request) => {
    if (token !== null) request.header.set('authorization', `Bearer ${token}`);
    return next(request);
  };
  const baseUrl = master.handle.grpcUrl ?? '';
  const interceptors = [authorise];
  if (protocol === 'grpc') return createGrpcTransport({ baseUrl, interceptors });
  if (protocol === 'grpc-web') return createGrpcWebTransport({ baseUrl, httpVersion: '1.1', interceptors });
  return createConnectTransport({ baseUrl, httpVersion: '1.1', interceptors });
}

export function userClient(transport: Transport): Client<typeof userWire.CloudAI> {
  return createClient(userWire.CloudAI, transport);
}

async function ok(master: TestMaster, command: Parameters<TestMaster['submit']>[0]): Promise<void> {
  const reply = await master.submit(command);
  if (!reply.ok) throw new Error(reply.message);
}
