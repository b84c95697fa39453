// The same operations everywhere: routes, schemas, authorisation, handlers, documentation. T2 of the security tests.
import {
  OLDER_ROUTES,
  OPERATIONS,
  type OperationName,
  type OperationSchema,
  openApi,
  ROUTES,
  type Route,
} from '@cloudai/api/rest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AUTHORIZATION } from '../authorization-table.ts';
import { authorize, checkAuthorizationTable, visibleNamespaces } from '../authorize.ts';
import { ADMIN, Bench } from '../testing/bench.ts';
import { RestClient } from '../testing/rest-client.ts';

const NAMES = Object.keys(ROUTES).sort() as OperationName[];
const entries = Object.entries(ROUTES) as [OperationName, Route][];

let bench: Bench;
let rest: RestClient;
/** Ids that exist, by namespace. */
const tasks = new Map<string, string>();

beforeAll(async () => {
  bench = await Bench.open();
  rest = new RestClient(bench);
  await bench.addUser('ann', 'user', ['red']);
  await bench.addUser('bob', 'user', ['blue']);
  await bench.addUser('nobody', 'user', []);
  await bench.addWorker('w-1');
  for (const namespace of ['red', 'blue']) {
    const { body } = await rest.post(`/tasks?namespace=${namespace}`, { image: 'busybox', command: 'true' });
    tasks.set(namespace, body.id);
    await bench.run(body.id);
    await bench.log(body.id, 'secret of the namespace\n');
    await bench.endLog(body.id);
    const artifacts = [{ path: 'out.txt', sizeBytes: 3, digest: `sha256:${'0'.repeat(64)}` }];
    bench.files.set(`${body.id}/1/out.txt`, Buffer.from('abc'));
    await bench.end(body.id, 0, { artifacts });
  }
});
afterAll(async () => {
  await rest.server.close();
  await bench.close();
});

describe('one inventory', () => {
  test('routes, schemas and the authorisation table name the same operations', () => {
    expect(Object.keys(OPERATIONS).sort()).toEqual(NAMES);
    expect(Object.keys(AUTHORIZATION).sort()).toEqual(NAMES);
  });

  test('an operation that is missing in the table stops the master at start, and so does one too many', () => {
    expect(() => checkAuthorizationTable([...NAMES, 'dropEverything'])).toThrow('missing dropEverything');
    expect(() => checkAuthorizationTable(NAMES.slice(1))).toThrow(`unknown ${NAMES[0]}`);
  });

  test('the server has these routes and, beside them, only the public ones and the document', () => {
    const listed = rest.app.printRoutes({ commonPrefix: false, includeHooks: false });
    for (const [name, { method, path }] of entries) {
      const url = path.replace('/{path}', '/*').replaceAll(/\{(\w+)\}/g, ':$1');
      expect(rest.app.hasRoute({ method, url }), `${name} ${url}`).toBe(true);
    }
    const count = [...listed.matchAll(/\(([A-Z, ]+)\)/g)].flatMap(([, methods = '']) => methods.split(', ')).length;
    expect(count).toBe(
      entries.length +
        Object.keys(OLDER_ROUTES).length +
        ['/health', '/ready', '/api/v1/openapi.json', '/api/v1/watch', '/api/docs', '/api/docs/style.css'].length,
    );
  });

  test('the OpenAPI document describes each, and refers to nothing that is not there', async () => {
    const { status, body } = await rest.get('/openapi.json');
    expect(status).toBe(200);
    expect(body).toEqual(JSON.parse(JSON.stringify(openApi('0.0.0-test'))));
    const described = Object.values(body.paths as Record<string, Record<string, { operationId: string }>>)
      .flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId))
      .sort();
    const others = ['getDocs', 'getDocument', 'getHealth', 'getMetrics', 'getReadiness', 'watch'];
    expect(described).toEqual([...NAMES, ...Object.keys(OLDER_ROUTES), ...others].sort());
    for (const [, name = ''] of JSON.stringify(body).matchAll(/"#\/components\/schemas\/(\w+)"/g))
      expect(body.components.schemas[name], name).toBeTypeOf('object');
    for (const [name, { path, method }] of entries) {
      const { parameters = [], responses } = body.paths[path][method.toLowerCase()];
      const inPath = parameters.filter((parameter: { in: string }) => parameter.in === 'path');
      expect(
        inPath.map((parameter: { name: string }) => `{${parameter.name}}`),
        name,
      ).toEqual(path.match(/\{\w+\}/g) ?? []);
      expect(responses).toHaveProperty(String(ROUTES[name].status));
    }
  });
});

describe('authorize', () => {
  const subject = (role: string, namespaces: string[]) => ({
    user: 'x',
    role: role as 'user',
    namespaces,
    tokenId: 't',
  });

  test('denies what it does not know', () => {
    expect(authorize(subject('user', ['red']), 'dropEverything' as OperationName, null)).toBe('forbidden');
    expect(authorize(subject('owner', ['red']), 'getTask', 'red')).toBe('forbidden');
    expect(authorize(subject('constructor', []), 'getTask', null)).toBe('forbidden');
    expect(visibleNamespaces(subject('owner', ['red']), 'getTask')).toEqual([]);
  });

  test.each(['re', 'redd', 'Red', 'RED', 'red ', 'red/', '*', '', '%72ed', 'r\u0435d', 'default'])(
    'takes namespaces to the letter: %j is not red',
    (name) => {
      expect(authorize(subject('user', ['red']), 'getTask', name)).toBe('hidden');
      expect(authorize(subject('user', [name]), 'getTask', 'red')).toBe('hidden');
    },
  );
});

/** A request that would succeed for who may do it. What it changes is undone by nothing, so it is not sent to succeed. */
const BODIES: Partial<Record<OperationName, unknown>> = {
  submitTask: { image: 'busybox' },
  submitJob: { tasks: [{ image: 'busybox' }] },
  updateTask: { priority: 60 },
  registerWorker: { id: 'w-2' },
  labelWorker: { zone: 'a' },
  useScheduler: { placement: 'greedy' },
  putNamespace: {},
  putUser: { role: 'admin' },
  createSession: { token: 'cai_none_none' },
};
const UNKNOWN_TASK = 'aaaaaaaaaaaaaaaa';

function urlOf(path: string, task: string): string {
  return path
    .replace('{task}', task)
    .replace('{path}', 'out.txt')
    .replace('{worker}', 'w-1')
    .replace('{namespace}', 'green')
    .replace('{user}', 'eve')
    .replace('{token}', 'unknown');
}

describe.each(entries)('%s', (name, { method, path }) => {
  const send = (user: string | null, task: string, query = '') =>
    rest.send(method, `${urlOf(path, task)}${query}`, { user, ...(name in BODIES ? { body: BODIES[name] } : {}) });

  test('without a token, with a wrong, a cut and a foreign one: 401', async () => {
    const token = bench.tokens.get('ann')!;
    for (const user of [null, 'nonsense', token.slice(0, -1), `${token}x`, token.toUpperCase()]) {
      const { status, body, headers } = await send(user, tasks.get('red')!);
      expect(status).toBe(401);
      expect(body.error).toMatchObject({ code: 'unauthenticated', requestId: headers['x-request-id'] });
      expect(headers['www-authenticate']).toBe('Bearer');
    }
  });

  test('does for a user what the table says', async () => {
    const { status, body } = await send('nobody', UNKNOWN_TASK);
    if (AUTHORIZATION[name].user === 'no') {
      expect(status).toBe(403);
      expect(body.error.code).toBe('forbidden');
    } else {
      expect(status).not.toBe(403);
      expect(status).toBeLessThan(500);
    }
  });

  if (path.includes('{task}')) {
    test('a foreign task is answered as one that does not exist', async () => {
      const foreign = tasks.get('blue')!;
      const [own, other, unknown] = [
        await send('ann', tasks.get('red')!),
        await send('ann', foreign),
        await send('ann', UNKNOWN_TASK),
      ];
      expect(own.status, own.text).not.toBe(404);
      expect(other.status).toBe(404);
      expect(other.text.replaceAll(foreign, UNKNOWN_TASK).replace(other.body.error.requestId, '')).toBe(
        unknown.text.replace(unknown.body.error.requestId, ''),
      );
      const names = (answer: typeof other) => Object.keys(answer.headers).sort();
      expect(names(other)).toEqual(names(unknown));
      // A prefix of it finds nothing either.
      expect((await send('ann', foreign.slice(0, 12))).status).toBe(404);
    });
  }

  if (AUTHORIZATION[name].user === 'own' && method === 'GET' && !path.includes('{')) {
    test('a list has nothing of a foreign namespace, asked for or not', async () => {
      const { query }: OperationSchema = OPERATIONS[name];
      const takesNamespace = query !== undefined && Object.hasOwn(query.properties, 'namespace');
      for (const asked of takesNamespace ? ['', '?namespace=blue', '?namespace=default', '?namespace=nowhere'] : ['']) {
        const { status, text } = await send('ann', '', asked);
        expect(status).toBe(200);
        expect(text).not.toContain(tasks.get('blue'));
        expect(text).not.toContain('"blue"');
      }
    });
  }
});

test('a user submits into own namespaces only; a foreign one is answered as an unknown one', async () => {
  const at = (namespace: string) => rest.post(`/tasks?namespace=${namespace}`, { image: 'busybox' }, { user: 'ann' });
  expect((await at('red')).body.namespace).toBe('red');
  const [foreign, unknown] = [await at('blue'), await at('nowhere')];
  expect(foreign.body.error.code).toBe('namespace_unknown');
  expect(foreign.body.error.message.replace('blue', 'nowhere')).toBe(unknown.body.error.message);
  expect((await rest.post('/tasks', { image: 'busybox' }, { user: 'ann' })).body.namespace).toBe('red');
  expect((await rest.post('/tasks', { image: 'busybox' }, { user: 'nobody' })).body.error.code).toBe(
    'namespace_unknown',
  );
});

test('a task can not wait for one of another namespace, and does not learn that it exists', async () => {
  const after = (parent: string) => rest.post('/tasks', { image: 'busybox', dependsOn: [parent] }, { user: 'ann' });
  const [foreign, unknown] = [await after(tasks.get('blue')!), await after(UNKNOWN_TASK)];
  expect(foreign.body.error.code).toBe('dependency_unknown');
  expect(foreign.body.error.message.replace(tasks.get('blue')!, UNKNOWN_TASK)).toBe(unknown.body.error.message);
});

test('a user sees workers, and of what runs there the own tasks', async () => {
  const { body } = await rest.post('/tasks?namespace=blue', { image: 'busybox' });
  await bench.run(body.id);
  const seenBy = async (user: string) => {
    const worker = await rest.get('/workers/w-1', { user });
    const running = worker.body.runningTasks.map(({ taskId }: { taskId: string }) => taskId);
    return { running, allocated: worker.body.allocated.cpuMillis };
  };
  const [all, bob, ann] = [await seenBy(ADMIN), await seenBy('bob'), await seenBy('ann')];
  expect(bob.running).toContain(body.id);
  expect(ann.running).not.toContain(body.id);
  expect(all.running.length).toBeGreaterThan(ann.running.length);
  expect(ann.allocated).toBe(all.allocated);
});
