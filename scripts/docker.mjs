// Finds a Docker engine, or installs and starts one where that is possible. Plain JavaScript on Node alone, so it can be
// run by itself: `node scripts/docker.mjs`. Prints the DOCKER_HOST it found.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.mjs';

/** EX_UNAVAILABLE of sysexits.h: a service that is needed is missing. */
export const UNAVAILABLE = 69;

const PING_MS = 3_000;
/** dockerd answers within two seconds on an idle machine; a cold disk or a first start with many images takes longer. */
const START_MS = 60_000;
const DAEMON_LOG = '/var/log/cloudai-dockerd.log';
const DAEMON_CONFIG = '/etc/docker/daemon.json';
const PACKAGES = ['docker.io', 'iptables', 'ca-certificates', 'busybox-static'];

export class DockerUnavailable extends Error {}

/**
 * The engine that will be used, found, started or installed. Throws DockerUnavailable with what to do about it.
 * @param {(line: string) => void} log
 * @returns {Promise<{ host: string }>}
 */
export async function ensureDocker(log) {
  const found = await findDocker();
  if (found.host !== undefined) return { host: found.host };
  if (process.env.DOCKER_HOST) {
    throw new DockerUnavailable(
      `No Docker engine answers at DOCKER_HOST=${process.env.DOCKER_HOST} (${found.why}). Correct it or unset it.`,
    );
  }
  const advice = adviceForPeople(found.why);
  if (advice !== undefined) throw new DockerUnavailable(advice);

  return withLock(
    path.join(os.tmpdir(), 'cloudai-docker.lock'),
    (pid) => log(`waiting for process ${pid}, which is setting up Docker`),
    async () => {
      const again = await findDocker();
      if (again.host !== undefined) return { host: again.host };
      if (which('dockerd') === undefined) {
        enableLiveRestore();
        await aptInstall(PACKAGES, log);
      }
      await startEngine(log);
      const started = await findDocker();
      if (started.host === undefined)
        throw new DockerUnavailable(`Docker was started but does not answer: ${started.why}`);
      return { host: started.host };
    },
  );
}

/** Installs one Debian package if that needs nobody's help; true when it was installed. */
export async function tryAptInstall(/** @type {string} */ name, /** @type {(line: string) => void} */ log) {
  if (!canApt()) return false;
  try {
    await aptInstall([name], log);
    return true;
  } catch (error) {
    log(String(/** @type {Error} */ (error).message));
    return false;
  }
}

/**
 * Asks each place where an engine usually listens, over its API, because a socket file alone proves nothing.
 * @returns {Promise<{ host: string, why?: undefined } | { host: undefined, why: string }>}
 */
export async function findDocker() {
  const hosts = process.env.DOCKER_HOST ? [process.env.DOCKER_HOST] : usualHosts();
  /** @type {string[]} */
  const reasons = [];
  for (const host of hosts) {
    const why = await ping(host);
    if (why === undefined) return { host };
    reasons.push(`${host}: ${why}`);
  }
  return { host: undefined, why: reasons.join('; ') };
}

function usualHosts() {
  const sockets = ['/var/run/docker.sock'];
  if (process.env.XDG_RUNTIME_DIR) sockets.push(path.join(process.env.XDG_RUNTIME_DIR, 'docker.sock'));
  sockets.push(
    path.join(os.homedir(), '.docker/run/docker.sock'),
    path.join(os.homedir(), '.colima/default/docker.sock'),
  );
  return sockets.filter((file, index) => index === 0 || fs.existsSync(file)).map((file) => `unix://${file}`);
}

/**
 * How to reach an engine's API with node:http or node:https.
 * @param {string} host
 * @returns {{ request: typeof http.request, options: import('node:https').RequestOptions }}
 */
export function apiOf(host) {
  if (host.startsWith('unix://')) {
    return { request: http.request, options: { socketPath: host.slice('unix://'.length), host: 'docker' } };
  }
  const url = new URL(host);
  if (url.protocol !== 'tcp:' && url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new DockerUnavailable(`DOCKER_HOST=${host} is not supported; use unix:// or tcp://`);
  }
  const options = { host: url.hostname, port: url.port || '2375' };
  const certificates = process.env.DOCKER_CERT_PATH;
  if (url.protocol !== 'https:' && !process.env.DOCKER_TLS_VERIFY) return { request: http.request, options };
  const read = (/** @type {string} */ name) =>
    fs.readFileSync(path.join(certificates ?? path.join(os.homedir(), '.docker'), name));
  return {
    request: /** @type {typeof http.request} */ (https.request),
    options: {
      ...options,
      port: url.port || '2376',
      ca: read('ca.pem'),
      cert: read('cert.pem'),
      key: read('key.pem'),
    },
  };
}

/**
 * @param {string} host
 * @returns {Promise<string | undefined>} why it does not answer, or undefined when it does
 */
function ping(host) {
  return new Promise((resolve) => {
    try {
      const api = apiOf(host);
      const request = api.request({ ...api.options, path: '/_ping', timeout: PING_MS, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode === 200 ? undefined : `answered ${response.statusCode} to a ping`);
      });
      request.on('timeout', () => request.destroy(new Error(`no answer within ${PING_MS} ms`)));
      request.on('error', (error) => resolve(/** @type {NodeJS.ErrnoException} */ (error).code ?? error.message));
      request.end();
    } catch (error) {
      resolve(/** @type {Error} */ (error).message);
    }
  });
}

/**
 * What a person has to do, or undefined where this script can do it.
 * @param {string} why
 */
function adviceForPeople(why) {
  const lines = [`CloudAI runs tasks in Docker, and no Docker engine answers (${why}).`];
  const installed = which('dockerd') !== undefined;
  const isRoot = process.getuid?.() === 0;
  if (process.platform !== 'linux') {
    lines.push(
      'Install and start Docker Desktop (or Colima), then try again; or set DOCKER_HOST to an engine elsewhere.',
    );
  } else if (why.includes('EACCES')) {
    lines.push(`An engine is there, but ${os.userInfo().username} may not use it. Join its group, then log in again:`);
    lines.push(`  sudo usermod -aG docker ${os.userInfo().username}`);
  } else if (!isRoot && installed) {
    lines.push('It is installed but not running. Start it:', '  sudo systemctl start docker');
  } else if (!isRoot && which('apt-get') !== undefined) {
    lines.push('Install it (or run this command again as root, which does it for you):');
    lines.push(`  sudo apt-get update && sudo apt-get install -y ${PACKAGES.join(' ')}`);
    lines.push(`  sudo usermod -aG docker ${os.userInfo().username}    # then log in again`);
  } else if (!installed && which('apt-get') === undefined) {
    const hint = which('dnf')
      ? 'dnf install -y moby-engine busybox'
      : which('apk')
        ? 'apk add docker busybox-static'
        : undefined;
    lines.push(
      hint
        ? `Install and start it:\n  ${isRoot ? '' : 'sudo '}${hint}`
        : 'Install Docker Engine for your distribution and start it, then try again.',
    );
  } else {
    return undefined;
  }
  return lines.join('\n');
}

function canApt() {
  return process.platform === 'linux' && process.getuid?.() === 0 && which('apt-get') !== undefined;
}

/** Live restore keeps containers running while the engine restarts. A configuration that someone wrote stays as it is. */
function enableLiveRestore() {
  if (fs.existsSync(DAEMON_CONFIG)) return;
  fs.mkdirSync(path.dirname(DAEMON_CONFIG), { recursive: true });
  fs.writeFileSync(DAEMON_CONFIG, `${JSON.stringify({ 'live-restore': true }, null, 2)}\n`);
}

/**
 * @param {string[]} names
 * @param {(line: string) => void} log
 */
async function aptInstall(names, log) {
  const common = ['-y', '-qq', '-o', 'DPkg::Lock::Timeout=120', '-o', 'Dpkg::Use-Pty=0'];
  log(`installing ${names.join(', ')} with apt; this takes a minute or two, once`);
  log('  reading the package lists');
  // A list of some other source may be out of reach; what matters is whether the install succeeds.
  await quietly('apt-get', ['update', ...common], log).catch((error) => log(`  ${error.message.split('\n')[0]}`));
  await quietly('apt-get', ['install', '--no-install-recommends', ...common, ...names], log);
}

/**
 * Runs a command, shows the lines that say where it is, and everything only if it fails.
 * @param {string} command
 * @param {string[]} args
 * @param {(line: string) => void} log
 * @returns {Promise<void>}
 */
function quietly(command, args, log) {
  return new Promise((resolve, reject) => {
    const env = {
      ...process.env,
      DEBIAN_FRONTEND: 'noninteractive',
      NEEDRESTART_MODE: 'l',
      LC_ALL: 'C.UTF-8',
    };
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let partial = '';
    const take = (/** @type {Buffer} */ data) => {
      output = (output + data).slice(-4000);
      const lines = (partial + data).split('\n');
      partial = lines.pop() ?? '';
      for (const line of lines) {
        const step = /^(Unpacking|Setting up) ([a-z0-9.+-]+)/.exec(line);
        if (step) log(`  ${step[1]?.toLowerCase()} ${step[2]}`);
      }
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code === 0) resolve();
      else reject(new DockerUnavailable(`${command} ${args[0]} failed (exit code ${code}):\n${output.trim()}`));
    });
  });
}

/** @param {(line: string) => void} log */
async function startEngine(log) {
  if (await answers(2_000)) return; // The package's own start-up may already have started it.
  if (fs.existsSync('/run/systemd/system')) {
    log('starting Docker (systemctl start docker)');
    const result = spawnSync('systemctl', ['start', 'docker'], { encoding: 'utf8' });
    if (result.status !== 0) throw new DockerUnavailable(`systemctl start docker failed: ${result.stderr.trim()}`);
    if (!(await answers(START_MS))) throw new DockerUnavailable('Docker does not answer; see: journalctl -u docker');
    return;
  }
  await spawnEngine(log);
}

/**
 * Without systemd the engine is a process of its own session: it outlives this script and the terminal.
 * @param {(line: string) => void} log
 */
async function spawnEngine(log) {
  const dockerd = which('dockerd');
  if (dockerd === undefined) throw new DockerUnavailable('dockerd is not on the PATH');
  const args = liveRestoreConfigured() ? [] : ['--live-restore'];
  log(`starting Docker (${['dockerd', ...args].join(' ')}), its log is ${DAEMON_LOG}`);
  const out = fs.openSync(DAEMON_LOG, 'a');
  const from = fs.fstatSync(out).size;
  const child = spawn(dockerd, args, { cwd: '/', detached: true, stdio: ['ignore', out, out] });
  fs.closeSync(out);
  let ended = false;
  child.on('error', () => {
    ended = true;
  });
  child.on('exit', () => {
    ended = true;
  });
  child.unref();
  if (await answers(START_MS, () => ended)) return;
  const tail = fs.readFileSync(DAEMON_LOG).subarray(from).toString().trim().split('\n').slice(-8).join('\n');
  throw new DockerUnavailable(
    `Docker ${ended ? 'stopped at once' : 'does not answer'}. The end of ${DAEMON_LOG}:\n${tail}`,
  );
}

function liveRestoreConfigured() {
  try {
    return 'live-restore' in JSON.parse(fs.readFileSync(DAEMON_CONFIG, 'utf8'));
  } catch {
    return false; // No file, or one that dockerd itself will complain about.
  }
}

/**
 * @param {number} withinMs
 * @param {() => boolean} gaveUp
 */
async function answers(withinMs, gaveUp = () => false) {
  const until = Date.now() + withinMs;
  do {
    if ((await findDocker()).host !== undefined) return true;
    await sleep(200);
  } while (Date.now() < until && !gaveUp());
  return false;
}

/**
 * @param {string} command
 * @returns {string | undefined}
 */
export function which(command) {
  // A root shell without a login shell may lack the sbin folders, which is where dockerd lives.
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return folders.map((folder) => path.join(folder, command)).find((file) => fs.existsSync(file));
}

if (process.argv[1] !== undefined && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    const { host } = await ensureDocker((line) => console.error(`docker: ${line}`));
    console.log(host);
  } catch (error) {
    if (!(error instanceof DockerUnavailable)) throw error;
    console.error(error.message);
    process.exit(UNAVAILABLE);
  }
}
