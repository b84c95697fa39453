// The rules of the house, each a function from files to violations. `tests/tidy.test.ts` applies them to the repository,
// `rules.test.ts` shows that each of them fires.
import path from 'node:path';
import { importsOf, isNode, lineAt, type SourceFile, type Violation, walk } from './source.ts';

/** Which of our packages a package may import. What is not listed here imports nothing of ours. */
const ARROWS: Record<string, readonly string[]> = {
  web: ['sdk'],
  cli: ['sdk'],
  sdk: ['api'],
  worker: ['api'],
  master: ['engine', 'store', 'api'],
  store: ['engine'],
  sim: ['engine', 'worker/core'],
};

/** The subpaths that a package exports besides its main door. */
const SIDE_DOORS: Record<string, readonly string[]> = {
  sdk: ['testing'],
  api: ['errors', 'rest', 'routes', 'traces', 'watch', 'watch/schemas'],
  engine: ['testing'],
  master: ['config'],
  worker: ['core'],
};

/** These commands are the processes themselves, so they load them, and only when they are called. */
const STARTS_PROCESSES = /^packages\/cli\/src\/commands\/(dev|master|worker|init|backup|restore|fsck)\.ts$/;
const PROCESSES = ['master', 'worker'];

/** These commands work on recorded and made workloads, without a master; what they need is loaded when they are called. */
const SIMULATES = /^packages\/cli\/src\/commands\/(sim|train)\.ts$/;

const OURS = /^@cloudai\/([a-z]+)(?:\/(.*))?$/;

export function checkArrows(file: SourceFile): Violation[] {
  const from = packageOf(file.path);
  if (from === undefined) return [];
  return importsOf(file).flatMap((found) => {
    const message = found.specifier.startsWith('.')
      ? whyNotInside(file.path, from, found.specifier)
      : whyNotAcross(file.path, from, found.specifier, found.kind);
    return message === undefined ? [] : [{ path: file.path, line: found.line, message }];
  });
}

function whyNotInside(filePath: string, from: string, specifier: string): string | undefined {
  const target = path.posix.join(path.posix.dirname(filePath), specifier);
  if (target.startsWith(`packages/${from}/`)) return undefined;
  return `${specifier} leaves the package; import the other package by its name`;
}

function whyNotAcross(filePath: string, from: string, specifier: string, kind: string): string | undefined {
  const match = OURS.exec(specifier);
  if (match === null) return specifier === '(computed)' ? 'a computed import cannot be checked' : undefined;
  const [, to = '', door] = match;
  if (to === from) return `${specifier} is this package itself; import the file`;
  if (door !== undefined && !SIDE_DOORS[to]?.includes(door)) return `${specifier} is not a public door of ${to}`;
  if (STARTS_PROCESSES.test(filePath) && PROCESSES.includes(to) && (door === undefined || door === 'config')) {
    return kind === 'dynamic' ? undefined : `${specifier} is loaded by dynamic import() here, when the command runs`;
  }
  if (SIMULATES.test(filePath) && to === 'sim' && door === undefined) {
    return kind === 'dynamic' ? undefined : `${specifier} is loaded by dynamic import() here, when the command runs`;
  }
  const allowed = ARROWS[from] ?? [];
  if (allowed.includes(to) || allowed.includes(`${to}/${door}`)) return undefined;
  return `${from} may not import ${specifier}; it may import ${allowed.join(', ') || 'nothing of ours'}`;
}

/** A dependency that another package happens to bring along is missing the day that package drops it. */
export function checkDeclared(file: SourceFile, declared: ReadonlySet<string>): Violation[] {
  return importsOf(file).flatMap(({ specifier, line }) => {
    if (/^(\.|node:|#|\(computed\))/.test(specifier)) return [];
    const name = specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/');
    if (declared.has(name)) return [];
    return [{ path: file.path, line, message: `${name} is not among the dependencies of this package` }];
  });
}

/** Names through which a clock, chance, IO or another thread of control would enter the engine. */
const IMPURE = new Set([
  ...['Date', 'performance', 'crypto', 'process', 'console', 'fetch', 'Promise', 'globalThis', 'Intl'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'],
  ...['clearTimeout', 'clearInterval', 'clearImmediate'],
]);

export function checkEnginePurity(file: SourceFile): Violation[] {
  if (!file.path.startsWith('packages/engine/src/')) return [];
  const violations: Violation[] = [];
  const report = (offset: number, what: string) =>
    violations.push({
      path: file.path,
      line: lineAt(file.text, offset),
      message: `${what} in the engine: time, ids, seeds and data come in with commands`,
    });
  const isTest = file.path.endsWith('.test.ts') || file.path.startsWith('packages/engine/src/testing/');
  walk(file, (node, parent, key) => {
    const { name } = node;
    if (node.type === 'Identifier' && typeof name === 'string' && IMPURE.has(name) && !isLabel(parent, key)) {
      report(node.start, name);
    }
    if (node.type === 'MemberExpression' && isNode(node.object) && isNode(node.property)) {
      const property = node.property.name ?? node.property.value;
      if (node.object.name === 'Math' && property === 'random') report(node.start, 'Math.random');
    }
    if (node.async === true) report(node.start, 'async');
    if (node.type === 'AwaitExpression' || node.await === true) report(node.start, 'await');
  });
  if (!isTest) {
    for (const { specifier, line } of importsOf(file)) {
      if (!specifier.startsWith('node:')) continue;
      violations.push({ path: file.path, line, message: `${specifier} in the engine: it has no IO` });
    }
  }
  return violations;
}

/** `x.process`, `{ process: 1 }` and `interface { Date: string }` name a property, not the global. */
function isLabel(parent: { type: string; [key: string]: unknown } | undefined, key: string): boolean {
  if (parent === undefined || parent.computed === true) return false;
  if (key === 'property') return parent.type === 'MemberExpression';
  return key === 'key'; // Of a shorthand `{ process }` the value still counts.
}

export const MAX_LINES = 450;

export function checkLength(file: SourceFile, justified: ReadonlyMap<string, string>): Violation[] {
  const lines = file.text.trimEnd().split('\n').length;
  if (lines > MAX_LINES && !justified.has(file.path)) {
    return [{ path: file.path, line: lines, message: `${lines} lines, more than ${MAX_LINES}: split it by idea` }];
  }
  if (lines <= MAX_LINES && justified.has(file.path)) {
    return [{ path: file.path, line: 1, message: 'is short enough now: take it off the list of long files' }];
  }
  return [];
}

export function checkName(file: SourceFile): Violation[] {
  const vague = file.path.split('/').find((part) => /^(utils?|helpers?)(\.|$)/i.test(part));
  if (vague === undefined) return [];
  return [{ path: file.path, line: 1, message: `${vague} says nothing: put the function beside its noun` }];
}

const HOME = /(?<![\w.$}-])\/(?:home|Users)\/[a-z][\w.-]*|(?<![\w.$}-])\/root\/[\w.-]+/;
const REGISTRY = /\b(?:registry\.(?!example\b)[\w-]+\.[a-z]{2,}|npm\.pkg\.[\w-]+\.com|[\w-]+\.pkg\.dev)\b/;

/** `checkout` is where the repository lies on this machine: its path belongs in no file. */
export function checkText(file: SourceFile, checkout: string): Violation[] {
  return file.text.split('\n').flatMap((line, index) => {
    const found = [HOME.exec(line)?.[0], REGISTRY.exec(line)?.[0], mentions(line, checkout)].filter((text) => text);
    return found.map((text) => ({
      path: file.path,
      line: index + 1,
      message: `${text} holds on one machine only: paths and registries are the reader's own`,
    }));
  });
}

function mentions(line: string, checkout: string): string | undefined {
  // A checkout such as /app is also a path inside containers; two folders deep it is this machine's.
  return checkout.split('/').length > 2 && line.includes(checkout) ? checkout : undefined;
}

export function checkLock(file: SourceFile): Violation[] {
  return file.text.split('\n').flatMap((line, index) => {
    if (!/"resolved":\s*"[a-z+]+:/.test(line)) return [];
    return [{ path: file.path, line: index + 1, message: 'the lock names a registry; install with the .npmrc here' }];
  });
}

const EXACT = /^(?:npm:(?:@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/;

export function checkPins(file: SourceFile): Violation[] {
  const manifest = JSON.parse(file.text) as Record<string, Record<string, string> | undefined>;
  return ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'].flatMap((kind) =>
    Object.entries(manifest[kind] ?? {})
      .filter(([, version]) => !EXACT.test(version))
      .map(([name, version]) => ({
        path: file.path,
        line: 1,
        message: `${name} "${version}" is not an exact version`,
      })),
  );
}

function packageOf(filePath: string): string | undefined {
  return /^packages\/([^/]+)\/src\//.exec(filePath)?.[1];
}
