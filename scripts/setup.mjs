// Makes a fresh checkout ready: checks Node, installs the npm packages, builds the dashboard. It runs before everything else (prestart,
// pretest), so it needs nothing but Node 20, and it is over in a moment when there is nothing to do.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.mjs';
import { buildWeb, isWebBuilt } from './web.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const modules = path.join(root, 'node_modules');
const stampFile = path.join(modules, '.cloudai-setup');
const ownNode = path.join(modules, '.bin', 'node');

const SETUP_FLOOR = [20, 0];
/** The first Node that runs TypeScript files without a flag; the packages bring Node 24 where a binary for the platform exists. */
const RUN_FLOOR = [22, 18];
const PROGRESS_MS = 10_000;
const SOFTWARE_EXIT = 69;

if (!isAtLeast(process.versions.node, SETUP_FLOOR)) {
  fail(
    `CloudAI needs Node ${SETUP_FLOOR[0]} or newer to set itself up, this is ${process.versions.node} (${process.execPath}).\n` +
      'Install a newer one from https://nodejs.org and try again; CloudAI then brings the Node it runs on.',
  );
}
if (!isInstalled()) {
  fs.mkdirSync(modules, { recursive: true });
  await withLock(
    path.join(modules, '.cloudai-setup.lock'),
    (pid) => console.log(`setup: waiting for the installation that process ${pid} is running`),
    install,
  );
}
if (!isWebBuilt()) {
  await withLock(
    path.join(modules, '.cloudai-web.lock'),
    (pid) => console.log(`setup: waiting for process ${pid}, which builds the dashboard`),
    build,
  );
}

async function build() {
  if (isWebBuilt()) return; // The process we waited for did it.
  const started = Date.now();
  try {
    await buildWeb(nodeToRunOn() ?? process.execPath);
    console.log(`setup: built the dashboard in ${seconds(started)} s`);
  } catch (error) {
    // Everything but the dashboard works without it.
    console.error(`setup: the dashboard could not be built: ${/** @type {Error} */ (error).message}`);
  }
}

function isInstalled() {
  return fs.existsSync(stampFile) && fs.readFileSync(stampFile, 'utf8') === stamp() && nodeToRunOn() !== undefined;
}

async function install() {
  if (isInstalled()) return; // The process we waited for did it.
  const started = Date.now();
  const first = !fs.existsSync(path.join(modules, '.bin'));
  console.log(`setup: installing the npm packages${first ? ' (about half a minute, once)' : ''}`);
  const ticker = setInterval(() => console.log(`setup: still installing (${seconds(started)} s)`), PROGRESS_MS);
  // Not `npm ci`: it refuses a lock whenever the registry lacks a binary for some other platform.
  const code = await npm(['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']);
  clearInterval(ticker);
  if (code !== 0) {
    fail(`setup: npm install failed (exit code ${code}); its message is above. Check the network and try again.`);
  }
  const node = nodeToRunOn();
  if (node === undefined) {
    fail(
      `CloudAI runs on Node ${RUN_FLOOR.join('.')} or newer, this is ${process.versions.node}, and there is no packaged ` +
        `Node for ${process.platform} ${process.arch}. Install Node 24 from https://nodejs.org and try again.`,
    );
  }
  fs.writeFileSync(stampFile, stamp());
  console.log(`setup: done in ${seconds(started)} s`);
}

/** What an installation depends on. Taken again after npm ran, because npm may complete the lock. */
function stamp() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`);
  const packages = fs.readdirSync(path.join(root, 'packages')).sort();
  const files = [
    'package.json',
    'package-lock.json',
    '.npmrc',
    ...packages.map((name) => `packages/${name}/package.json`),
  ];
  for (const file of files) {
    const full = path.join(root, file);
    if (fs.existsSync(full)) hash.update(`${file}\n`).update(fs.readFileSync(full));
  }
  return hash.digest('hex');
}

/** @returns {string | undefined} */
function nodeToRunOn() {
  if (fs.existsSync(ownNode)) return ownNode;
  return isAtLeast(process.versions.node, RUN_FLOOR) ? process.execPath : undefined;
}

/**
 * @param {string[]} args
 * @returns {Promise<number>}
 */
function npm(args) {
  // Inside an npm script the npm that runs it is known; it need not be on the PATH.
  const cli = process.env.npm_execpath;
  const [command, rest] =
    cli !== undefined && path.basename(cli) === 'npm-cli.js' ? [process.execPath, [cli, ...args]] : ['npm', args];
  return new Promise((resolve) => {
    const child = spawn(command, rest, { cwd: root, stdio: 'inherit' });
    child.on('error', (error) => {
      console.error(`setup: cannot run npm: ${error.message}. npm comes with Node; is it on the PATH?`);
      resolve(127);
    });
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

/**
 * @param {string} version
 * @param {number[]} floor
 */
function isAtLeast(version, [major = 0, minor = 0]) {
  const [a = 0, b = 0] = version.split('.').map(Number);
  return a > major || (a === major && b >= minor);
}

/** @param {number} since */
function seconds(since) {
  return Math.round((Date.now() - since) / 1000);
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  console.error(message);
  process.exit(SOFTWARE_EXIT);
}
