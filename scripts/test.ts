// `npm test`: types, lint, unit tests, then the end-to-end tests with real containers, then those in a real browser.
// Whatever happens, the last line is `N passed, N failed`, and the exit code is 0 only if tests ran and nothing failed.
// Arguments go to vitest.
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensureChromium } from './chromium.ts';
import { DockerUnavailable, ensureDocker } from './docker.mjs';
import { ensureImages } from './images.ts';
import { ensurePrometheus } from './prometheus.mjs';

const root = path.resolve(import.meta.dirname, '..');
const bin = path.join(root, 'node_modules', '.bin');
const env: NodeJS.ProcessEnv = { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH ?? ''}` };

const CHECKS: [string, ...string[]][] = [
  ['tsc', '--noEmit'],
  ['tsc', '--noEmit', '-p', 'packages/web'],
  ['biome', 'check'],
  ['oxlint', '--type-aware'],
];

let passed = 0;
let failed = 0;
let child: ChildProcess | undefined;
let interrupted = false;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = true;
    child?.kill(signal);
  });
}

try {
  for (const check of CHECKS) {
    if ((await run(...check)) !== 0) fail(`${check.join(' ')} found problems`);
  }
  await vitest('unit');
  if (await prepareDocker()) {
    await preparePrometheus();
    await vitest('e2e');
    if (await prepareChromium()) await vitest('browser');
  }
} catch (error) {
  console.error(error);
  fail('the test run broke off');
}
if (interrupted) fail('interrupted');
if (passed + failed === 0) fail('no test was executed');
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function fail(why: string): void {
  console.error(`FAILED: ${why}`);
  failed++;
}

async function run(command: string, ...args: string[]): Promise<number> {
  if (interrupted) return 1;
  console.log(`\n$ ${[command, ...args].join(' ')}`);
  return new Promise((resolve) => {
    child = spawn(path.join(bin, command), args, { cwd: root, env, stdio: 'inherit' });
    child.on('error', (error) => {
      console.error(error.message);
      resolve(127);
    });
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

async function prepareDocker(): Promise<boolean> {
  try {
    const { host } = await ensureDocker((line: string) => console.log(`docker: ${line}`));
    await ensureImages(host, (line) => console.log(`images: ${line}`));
    env.DOCKER_HOST = host;
    return true;
  } catch (error) {
    if (!(error instanceof DockerUnavailable)) throw error;
    console.error(error.message);
    fail('the end-to-end tests need Docker');
    return false;
  }
}

async function preparePrometheus(): Promise<void> {
  const log = (line: string) => console.log(`prometheus: ${line}`);
  if (!interrupted && !(await ensurePrometheus(log))) log('it can not be installed here; its tests are skipped');
}

async function prepareChromium(): Promise<boolean> {
  if (interrupted) return false;
  if ((await ensureChromium((line) => console.log(`chromium: ${line}`))) !== undefined) return true;
  fail('the browser tests need Chromium: apt-get install chromium, or name one in CLOUDAI_TEST_CHROMIUM');
  return false;
}

/** The part of vitest's JSON report that the count needs. */
interface Report {
  numPassedTests: number;
  numFailedTests: number;
  testResults: { name: string; status: string; assertionResults: unknown[] }[];
}

async function vitest(project: string): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cloudai-test-'));
  const file = path.join(folder, 'report.json');
  try {
    const code = await run(
      'vitest',
      'run',
      '--project',
      project,
      '--passWithNoTests',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${file}`,
      ...process.argv.slice(2),
    );
    if (interrupted) return;
    const report: Report | undefined = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : undefined;
    const before = failed;
    if (report !== undefined) count(report);
    // An error outside any test, such as an unhandled rejection, fails the run without failing a case.
    if (code !== 0 && failed === before) fail(`vitest (${project}) ended with exit code ${code}`);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function count(report: Report): void {
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  // A file that cannot even be loaded has no cases to count.
  for (const result of report.testResults) {
    if (result.status === 'failed' && result.assertionResults.length === 0) fail(`${result.name} could not run`);
  }
}
