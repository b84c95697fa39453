// Builds the dashboard when its sources have changed since the last time; over in a moment when they have not.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const web = path.join(root, 'packages/web');
const built = path.join(web, 'dist');
const stampFile = path.join(built, '.stamp');
/** What the build reads: the dashboard, what it imports, and the versions of everything else. */
const SOURCES = ['packages/web', 'packages/sdk', 'packages/api', 'package-lock.json'];
const LEFT_OUT = /(^|\/)(dist[^/]*|node_modules)(\/|$)|\.test\.tsx?$|\/testing\//;

export function isWebBuilt() {
  return fs.existsSync(stampFile) && fs.readFileSync(stampFile, 'utf8') === stampOf(SOURCES);
}

/**
 * Throws with the end of vite's output when it fails; what was built before stays then.
 * @param {string} node the Node to run vite with
 */
export async function buildWeb(node) {
  const stamp = stampOf(SOURCES);
  const [fresh, old] = [`${built}.new`, `${built}.old`];
  await run(node, [path.join(root, 'node_modules/vite/bin/vite.js'), 'build', web, '--outDir', fresh, '--emptyOutDir']);
  fs.writeFileSync(path.join(fresh, '.stamp'), stamp);
  // A master that runs serves the files of before until the new ones are all there.
  fs.rmSync(old, { recursive: true, force: true });
  if (fs.existsSync(built)) fs.renameSync(built, old);
  fs.renameSync(fresh, built);
  fs.rmSync(old, { recursive: true, force: true });
}

/** @param {string[]} places */
function stampOf(places) {
  const hash = createHash('sha256');
  for (const place of places) addTo(hash, place);
  return hash.digest('hex');
}

/**
 * @param {import('node:crypto').Hash} hash
 * @param {string} place
 */
function addTo(hash, place) {
  if (LEFT_OUT.test(place)) return;
  const full = path.join(root, place);
  if (fs.statSync(full).isDirectory()) for (const name of fs.readdirSync(full).sort()) addTo(hash, `${place}/${name}`);
  else hash.update(`${place}\n`).update(fs.readFileSync(full));
}

/**
 * @param {string} node
 * @param {string[]} args
 * @returns {Promise<void>}
 */
function run(node, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(node, args, { cwd: web, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const take = (/** @type {Buffer} */ data) => {
      output = (output + data).slice(-4000);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`the build ended with exit code ${code}:\n${output.trim()}`)),
    );
  });
}
