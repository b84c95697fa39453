// Applies the rules of the house (tidy/rules.ts) to every file of the repository.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import * as rules from './tidy/rules.ts';
import type { SourceFile, Violation } from './tidy/source.ts';

/** Files that are one idea and longer than the limit, with the reason. */
const LONG_FILES = new Map<string, string>([]);

const root = path.resolve(import.meta.dirname, '..');
const MAX_BYTES = 1 << 20;

const files = readFiles();
const written = files.filter(({ path }) => !path.startsWith('packages/api/src/gen/'));
const sources = written.filter(({ path }) => /\.(ts|tsx|mjs|js)$/.test(path));
const packageSources = sources.filter(({ path }) => /^packages\/[^/]+\/src\//.test(path));
const manifests = files.filter(({ path }) => path.split('/').at(-1) === 'package.json');

test('imports between packages follow the arrows', () => {
  expect(report(packageSources, rules.checkArrows)).toEqual([]);
});

test('every package declares what it imports', () => {
  const shared = declaredBy('package.json');
  const check = (file: SourceFile) => {
    const own = declaredBy(`${file.path.split('/').slice(0, 2).join('/')}/package.json`);
    // Tests also have the tools of the repository; what ships has only its own dependencies.
    const isTest = /\.test\.tsx?$|\/testing\/|\/conformance\.ts$/.test(file.path);
    return rules.checkDeclared(file, isTest ? own.union(shared) : own);
  };
  expect(report(packageSources, check)).toEqual([]);
});

test('the engine has no clock, chance, IO or async', () => {
  expect(report(packageSources, rules.checkEnginePurity)).toEqual([]);
});

test('files are short or justified', () => {
  expect(report(sources, (file) => rules.checkLength(file, LONG_FILES))).toEqual([]);
  expect([...LONG_FILES.keys()].filter((path) => !sources.some((file) => file.path === path))).toEqual([]);
});

test('file names say what is inside', () => {
  expect(report(sources, rules.checkName)).toEqual([]);
});

test('no file speaks of one machine or registry', () => {
  expect(report(files, (file) => rules.checkText(file, root))).toEqual([]);
});

test('dependencies are exact and the lock names no registry', () => {
  expect(report(manifests, rules.checkPins)).toEqual([]);
  expect(
    report(
      files.filter(({ path }) => path.endsWith('package-lock.json')),
      rules.checkLock,
    ),
  ).toEqual([]);
});

function report(subjects: SourceFile[], check: (file: SourceFile) => Violation[]): string[] {
  return subjects.flatMap(check).map(({ path, line, message }) => `${path}:${line} ${message}`);
}

function declaredBy(manifest: string): Set<string> {
  const text = files.find(({ path }) => path === manifest)?.text ?? '{}';
  const { dependencies, devDependencies, peerDependencies } = JSON.parse(text);
  return new Set(Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies }));
}

/** What is tracked and what could be: a file is looked at before its first commit. */
function readFiles(): SourceFile[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  return listed
    .split('\0')
    .filter((name) => name !== '' && isPlainFile(name))
    .map((name) => ({ path: name, text: fs.readFileSync(path.join(root, name), 'utf8') }))
    .filter(({ text }) => !text.includes('\0'));
}

function isPlainFile(name: string): boolean {
  const stat = fs.lstatSync(path.join(root, name), { throwIfNoEntry: false });
  return stat?.isFile() === true && stat.size <= MAX_BYTES;
}
