import { describe, expect, test } from 'vitest';
import {
  checkArrows,
  checkDeclared,
  checkEnginePurity,
  checkLength,
  checkLock,
  checkName,
  checkPins,
  checkText,
  MAX_LINES,
} from './rules.ts';
import type { SourceFile } from './source.ts';

const file = (path: string, text: string): SourceFile => ({ path, text });

describe('arrows between packages', () => {
  test.each([
    ['packages/cli/src/client.ts', `import { Client } from '@cloudai/sdk';`],
    ['packages/sdk/src/client.ts', `export type { TaskView } from '@cloudai/api';`],
    ['packages/master/src/loop.ts', `import { apply } from '@cloudai/engine';\nimport { open } from '@cloudai/store';`],
    ['packages/store/src/store.test.ts', `import { build } from '@cloudai/engine/testing';`],
    ['packages/sim/src/worker.ts', `import { core } from '@cloudai/worker/core';`],
    ['packages/master/src/loop.ts', `import { x } from './sessions/session.ts';\nimport fs from 'node:fs';`],
    ['packages/cli/src/commands/dev.ts', `const { startMaster } = await import('@cloudai/master');`],
    [
      'packages/cli/src/commands/worker.ts',
      `export const run = async () => (await import('@cloudai/worker')).start();`,
    ],
    ['packages/cli/src/commands/sim.ts', `const { simulate } = await import('@cloudai/sim');`],
    ['tests/e2e/cluster.test.ts', `import { startMaster } from '@cloudai/master';`],
  ])('%s may: %s', (path, text) => {
    expect(checkArrows(file(path, text))).toEqual([]);
  });

  test.each([
    ['packages/engine/src/a.ts', `import { Code } from '@cloudai/api';`, 'engine may not import @cloudai/api'],
    ['packages/api/src/a.ts', `import type { Task } from '@cloudai/engine';`, 'it may import nothing of ours'],
    ['packages/api/src/a.ts', `type T = import('@cloudai/engine').Task;`, 'api may not import'],
    ['packages/worker/src/a.ts', `export * from '@cloudai/engine';`, 'worker may not import'],
    ['packages/store/src/a.ts', `export { x } from '@cloudai/master';`, 'store may not import'],
    ['packages/cli/src/a.ts', `import '@cloudai/api';`, 'cli may not import @cloudai/api; it may import sdk'],
    ['packages/sim/src/a.ts', `import { Docker } from '@cloudai/worker';`, 'sim may not import @cloudai/worker'],
    ['packages/master/src/a.ts', `import { x } from '@cloudai/engine/src/model/task.ts';`, 'not a public door'],
    ['packages/master/src/a.ts', `import { x } from '@cloudai/store/testing';`, 'not a public door'],
    ['packages/master/src/a.ts', `import { x } from '../../engine/src/index.ts';`, 'leaves the package'],
    ['packages/master/src/a.ts', `import { x } from '@cloudai/master';`, 'this package itself'],
    ['packages/master/src/a.ts', 'const x = await import(`@cloudai/' + '${' + 'name}`);', 'cannot be checked'],
    ['packages/cli/src/commands/dev.ts', `import { startMaster } from '@cloudai/master';`, 'dynamic import()'],
    ['packages/cli/src/commands/sim.ts', `import { simulate } from '@cloudai/sim';`, 'dynamic import()'],
    ['packages/cli/src/commands/run.ts', `await import('@cloudai/sim');`, 'cli may not import'],
    ['packages/cli/src/commands/submit.ts', `await import('@cloudai/master');`, 'cli may not import'],
    ['packages/cli/src/commands/dev.ts', `await import('@cloudai/worker/core');`, 'cli may not import'],
    ['packages/cli/src/commands/fsck.ts', `await import('@cloudai/store');`, 'cli may not import'],
  ])('%s may not: %s', (path, text, message) => {
    expect(checkArrows(file(path, text))).toMatchObject([{ line: 1, message: expect.stringContaining(message) }]);
  });

  test('the line of the import is given, and comments and strings are not imports', () => {
    const text = `// import '@cloudai/api';\nconst s = "import '@cloudai/api'";\nimport '@cloudai/api';\n`;
    expect(checkArrows(file('packages/engine/src/a.ts', text))).toMatchObject([{ line: 3 }]);
  });
});

describe('declared dependencies', () => {
  const declared = new Set(['@connectrpc/connect', 'typebox']);

  test('subpaths, built-in modules and own files are fine', () => {
    const text = `import '@connectrpc/connect/protocol';\nimport 'typebox/value';\nimport 'node:fs';\nimport './a.ts';`;
    expect(checkDeclared(file('packages/api/src/a.ts', text), declared)).toEqual([]);
  });

  test.each(['@connectrpc/connect-node', 'yaml/util'])('%s fires', (name) => {
    expect(checkDeclared(file('packages/api/src/a.ts', `import '${name}';`), declared)).toHaveLength(1);
  });
});

describe('purity of the engine', () => {
  const inEngine = (text: string, name = 'stages/admit.ts') =>
    checkEnginePurity(file(`packages/engine/src/${name}`, text));

  test.each([
    ['const t = Date.now();', 'Date'],
    ['const t = new Date();', 'Date'],
    ['let t: Date;', 'Date'],
    ['const { now } = Date;', 'Date'],
    ['const x = Math.random();', 'Math.random'],
    [`const x = Math['random']();`, 'Math.random'],
    ['setTimeout(() => {}, 1);', 'setTimeout'],
    ['setInterval(() => {}, 1);', 'setInterval'],
    ['queueMicrotask(() => {});', 'queueMicrotask'],
    ['const e = process.env;', 'process'],
    ['const o = { process };', 'process'],
    ['const id = crypto.randomUUID();', 'crypto'],
    ['console.log(1);', 'console'],
    ['const g = globalThis;', 'globalThis'],
    ['const t = performance.now();', 'performance'],
    ['async function f() {}', 'async'],
    ['const f = async () => {};', 'async'],
    ['class C { async f() {} }', 'async'],
    ['const x = await y;', 'await'],
    ['for await (const x of y) {}', 'await'],
    ['const p = Promise.resolve();', 'Promise'],
    [`import fs from 'node:fs';`, 'node:fs'],
  ])('%s fires', (text, what) => {
    expect(inEngine(text)).toMatchObject([{ message: expect.stringContaining(`${what} in the engine`) }]);
  });

  test.each([
    'const o = { process: 1, crypto: 2 };',
    'const x = task.process + task.console;',
    'interface Timeline { Date: string; await: number }',
    'class C { process() { return Math.max(1, 2); } }',
    '// Date.now() and await would be wrong here\nconst s = "process.env";',
  ])('%s is fine', (text) => {
    expect(inEngine(text)).toEqual([]);
  });

  test('tests and testing/ may use node: modules, but not the clock', () => {
    const text = `import fs from 'node:fs';`;
    expect(inEngine(text, 'testing/driver.ts')).toEqual([]);
    expect(inEngine(text, 'stages/admit.test.ts')).toEqual([]);
    expect(inEngine('Date.now();', 'testing/driver.ts')).toHaveLength(1);
  });

  test('other packages have clocks', () => {
    expect(checkEnginePurity(file('packages/master/src/loop.ts', 'await Date.now();'))).toEqual([]);
  });
});

describe('files', () => {
  const long = 'x;\n'.repeat(MAX_LINES + 1);

  test('a long file fires unless it is justified', () => {
    expect(checkLength(file('a.ts', long), new Map())).toHaveLength(1);
    expect(checkLength(file('a.ts', long), new Map([['a.ts', 'one table']]))).toEqual([]);
    expect(checkLength(file('a.ts', 'x;\n'.repeat(MAX_LINES)), new Map())).toEqual([]);
  });

  test('a justification that is no longer needed fires', () => {
    expect(checkLength(file('a.ts', 'x;\n'), new Map([['a.ts', 'one table']]))).toHaveLength(1);
  });

  test.each(['packages/cli/src/utils.ts', 'packages/cli/src/helpers/table.ts', 'tests/e2e/helper.test.ts'])(
    'the name %s fires',
    (path) => {
      expect(checkName(file(path, ''))).toHaveLength(1);
    },
  );

  test('names that merely contain the word are fine', () => {
    expect(checkName(file('packages/engine/src/utilisation.ts', ''))).toEqual([]);
  });
});

describe('text', () => {
  const checkout = ['', 'srv', 'builds', 'cloudai'].join('/');
  const join = (...parts: string[]) => parts.join('/');
  const npmRegistry = ['registry', 'npmjs', 'org'].join('.');

  test.each([
    `see ${join('', 'home', 'ada', 'cloudai')}`,
    `"${join('', 'Users', 'ada', 'cloudai')}"`,
    `cd ${join('', 'root', 'cloudai')}`,
    `cd ${checkout}/docs`,
    `https://${npmRegistry}/yaml`,
  ])('%s fires', (text) => {
    expect(checkText(file('docs/a.md', `first\n${text}\n`), checkout)).toMatchObject([{ line: 2 }]);
  });

  test.each(['root:x:0:0:root:/root:/bin/sh', 'GET /home', 'registry.example.com/team/image', 'src/home/view.ts'])(
    '%s is fine',
    (text) => {
      expect(checkText(file('docs/a.md', text), checkout)).toEqual([]);
    },
  );

  test('a checkout at the top of the file system says nothing', () => {
    expect(checkText(file('Dockerfile', 'WORKDIR /app'), '/app')).toEqual([]);
  });
});

describe('dependencies', () => {
  test('a lock with an address fires, links between workspaces do not', () => {
    expect(checkLock(file('package-lock.json', '"resolved": "https://a/b.tgz"'))).toHaveLength(1);
    expect(checkLock(file('package-lock.json', '"resolved": "git+ssh://a/b"'))).toHaveLength(1);
    expect(checkLock(file('package-lock.json', '"resolved": "packages/api",\n"integrity": "sha512-x"'))).toEqual([]);
  });

  test.each(['^1.0.0', '~1.0.0', '1.x', '*', 'latest', '>=1', 'workspace:*', 'file:../a'])('%s fires', (version) => {
    const manifest = JSON.stringify({ devDependencies: { yaml: version } });
    expect(checkPins(file('package.json', manifest))).toHaveLength(1);
  });

  test.each(['1.2.3', '1.2.3-beta.1', 'npm:@scope/name@6.0.2'])('%s is exact', (version) => {
    expect(checkPins(file('package.json', JSON.stringify({ dependencies: { yaml: version } })))).toEqual([]);
  });
});
