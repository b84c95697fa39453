// Builds the local images that a first try needs, from what this machine already has, so that no image registry is asked:
//   cloudai/busybox:local        the static busybox with its applets
//   cloudai/node:local           busybox and the Node that the project runs on
//   cloudai/sample-task-1:local  examples/sample-task-1
// Each image carries a digest of what went into it; one that is already there is left alone.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import type http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { apiOf, DockerUnavailable, ensureDocker, tryAptInstall, UNAVAILABLE, which } from './docker.mjs';
import { withLock } from './lock.mjs';
import { type TarEntry, tar } from './tar.ts';

const root = path.resolve(import.meta.dirname, '..');
const INPUTS_LABEL = 'ai.cloudai.inputs';
const PATH_IN_IMAGE = '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin';

type Log = (line: string) => void;

interface LocalImage {
  name: string;
  entries: TarEntry[];
  /** `import`: the entries are the file system. `build`: they are the context of a Dockerfile. */
  make: 'import' | 'build';
  changes: string[];
  /** What else decides the content, such as the digest of the base. */
  basis: string;
}

/** Returns the names of the images that are there afterwards. */
export async function ensureImages(host: string, log: Log): Promise<string[]> {
  const engine = new Engine(host);
  const reason = await whyNotFromHere(engine);
  if (reason !== undefined) {
    log(`not building the local images: ${reason}`);
    return [];
  }
  return withLock(
    path.join(os.tmpdir(), 'cloudai-images.lock'),
    (pid) => log(`waiting for process ${pid}, which is building the images`),
    async () => {
      const names: string[] = [];
      for (const image of await localImages(log)) {
        await ensureImage(engine, image, log);
        names.push(image.name);
      }
      return names;
    },
  );
}

async function whyNotFromHere(engine: Engine): Promise<string | undefined> {
  if (process.platform !== 'linux') {
    return 'they are made of this machine’s own programs, which takes Linux; use images from a registry instead';
  }
  const version = JSON.parse(await engine.call('GET', '/version')) as { Os: string; Arch: string };
  const here = process.arch === 'x64' ? 'amd64' : process.arch;
  if (version.Os !== 'linux' || version.Arch !== here) {
    return `the engine runs ${version.Os}/${version.Arch} and this machine linux/${here}`;
  }
  return undefined;
}

async function localImages(log: Log): Promise<LocalImage[]> {
  const images: LocalImage[] = [];
  const userland = [...skeleton(), ...(await busybox(log))];
  const hasShell = userland.some((entry) => entry.path === 'bin/sh');
  if (hasShell) {
    images.push({
      name: 'cloudai/busybox:local',
      entries: userland,
      make: 'import',
      changes: [`ENV PATH=${PATH_IN_IMAGE}`, 'CMD ["/bin/sh"]'],
      basis: '',
    });
  } else {
    log('no static busybox on this machine: no cloudai/busybox:local, and cloudai/node:local has no shell');
  }
  const node: LocalImage = {
    name: 'cloudai/node:local',
    entries: [...userland, ...nodeWithLibraries()],
    make: 'import',
    changes: [`ENV PATH=${PATH_IN_IMAGE}`, `ENV NODE_VERSION=${process.versions.node}`, 'CMD ["node"]'],
    basis: '',
  };
  const context = path.join(root, 'examples/sample-task-1');
  const sample: LocalImage = {
    name: 'cloudai/sample-task-1:local',
    entries: ['Dockerfile', 'main.mjs'].map((name) => copy(name, path.join(context, name), 0o644)),
    make: 'build',
    changes: [],
    basis: digest(node),
  };
  return [...images, node, sample];
}

function skeleton(): TarEntry[] {
  const folders = ['bin', 'dev', 'etc', 'proc', 'sys', 'usr', 'usr/bin', 'usr/local', 'usr/local/bin', 'var'];
  return [
    ...folders.map((name): TarEntry => ({ kind: 'directory', path: name, mode: 0o755 })),
    { kind: 'directory', path: 'root', mode: 0o700 },
    { kind: 'directory', path: 'tmp', mode: 0o1777 },
    {
      kind: 'text',
      path: 'etc/passwd',
      mode: 0o644,
      text: 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
    },
    { kind: 'text', path: 'etc/group', mode: 0o644, text: 'root:x:0:\nnogroup:x:65534:\n' },
  ];
}

async function busybox(log: Log): Promise<TarEntry[]> {
  let binary = staticBusybox();
  if (binary === undefined && (await tryAptInstall('busybox-static', log))) binary = staticBusybox();
  if (binary === undefined) return [];
  const applets = execFileSync(binary, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  return [
    copy('bin/busybox', binary, 0o755),
    ...applets
      .filter((name) => name !== 'busybox')
      .map((name): TarEntry => ({ kind: 'link', path: `bin/${name}`, target: 'busybox' })),
  ];
}

/** A busybox that needs shared libraries would not start in an image without them. */
function staticBusybox(): string | undefined {
  const file = which('busybox');
  return file !== undefined && !isDynamic(file) ? fs.realpathSync(file) : undefined;
}

/** A dynamically linked ELF program names its loader in a header of type PT_INTERP (3). */
function isDynamic(file: string): boolean {
  const head = fs.readFileSync(file).subarray(0, 4096);
  const at = Number(head.readBigUInt64LE(32));
  const size = head.readUInt16LE(54);
  const count = head.readUInt16LE(56);
  return Array.from({ length: count }, (_, index) => head.readUInt32LE(at + index * size)).includes(3);
}

/** The libraries stand in the image where the loader looked for them here. */
function nodeWithLibraries(): TarEntry[] {
  const node = fs.realpathSync(process.execPath);
  const listed = execFileSync('ldd', [node], { encoding: 'utf8' });
  const libraries = new Set([...listed.matchAll(/(?:^|\s)(\/\S+)\s+\(0x/gm)].map((match) => match[1] ?? ''));
  const folders = new Set<string>();
  for (const library of libraries) {
    for (let folder = path.dirname(library).slice(1); folder !== '.' && folder !== ''; folder = path.dirname(folder)) {
      folders.add(folder);
    }
  }
  return [
    ...[...folders].sort().map((name): TarEntry => ({ kind: 'directory', path: name, mode: 0o755 })),
    ...[...libraries].sort().map((library) => copy(library.slice(1), fs.realpathSync(library), 0o755)),
    copy('usr/local/bin/node', node, 0o755),
  ];
}

function copy(to: string, from: string, mode: number): TarEntry {
  return { kind: 'copy', path: to, mode, from, bytes: fs.statSync(from).size };
}

async function ensureImage(engine: Engine, image: LocalImage, log: Log): Promise<void> {
  const wanted = digest(image);
  const present = await engine.inspect(image.name);
  if (present?.inputs === wanted) return;
  const started = Date.now();
  const body = tar(image.entries);
  const [repository = '', tag = ''] = image.name.split(':');
  if (image.make === 'import') {
    const query = new URLSearchParams({ fromSrc: '-', repo: repository, tag });
    for (const change of [...image.changes, `LABEL ${INPUTS_LABEL}=${wanted}`]) query.append('changes', change);
    await engine.call('POST', `/images/create?${query}`, body);
  } else {
    const query = new URLSearchParams({
      t: image.name,
      rm: '1',
      labels: JSON.stringify({ [INPUTS_LABEL]: wanted }),
    });
    await engine.call('POST', `/build?${query}`, body);
  }
  // The image that had this name before. A container may still use it; then it stays.
  if (present !== undefined) await engine.call('DELETE', `/images/${present.id}`).catch(() => undefined);
  log(`built ${image.name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}

function digest(image: LocalImage): string {
  const hash = createHash('sha256').update(JSON.stringify([image.make, image.changes, image.basis]));
  for (const entry of image.entries) {
    hash.update(JSON.stringify({ ...entry, from: undefined }));
    if (entry.kind !== 'copy') continue;
    // Version and size say enough about the Node binary; reading its 100 MB would be felt at every start.
    hash.update(entry.from === fs.realpathSync(process.execPath) ? process.version : fs.readFileSync(entry.from));
  }
  return hash.digest('hex');
}

/** As much of the Docker Engine API as building these images takes. */
class Engine {
  readonly #api: ReturnType<typeof apiOf>;

  constructor(host: string) {
    this.#api = apiOf(host);
  }

  async inspect(name: string): Promise<{ id: string; inputs: string | undefined } | undefined> {
    try {
      const image = JSON.parse(await this.call('GET', `/images/${name}/json`)) as {
        Id: string;
        Config?: { Labels?: Record<string, string> | null };
      };
      return { id: image.Id, inputs: image.Config?.Labels?.[INPUTS_LABEL] };
    } catch (error) {
      if (error instanceof EngineError && error.status === 404) return undefined;
      throw error;
    }
  }

  async call(method: string, target: string, body?: AsyncIterable<Uint8Array>): Promise<string> {
    const headers = body === undefined ? {} : { 'content-type': 'application/x-tar' };
    const request = this.#api.request({ ...this.#api.options, method, path: target, headers, agent: false });
    const answer = new Promise<http.IncomingMessage>((resolve, reject) => {
      request.on('response', resolve);
      request.on('error', reject);
    });
    if (body === undefined) request.end();
    const [response] = await Promise.all([answer, body && pipeline(Readable.from(body), request)]);
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    const status = response.statusCode ?? 0;
    if (status >= 400) throw new EngineError(status, `${method} ${target.split('?')[0]}: ${status} ${text.trim()}`);
    // Streams of progress end with 200 even when they failed; the last line then carries the error.
    const failure = /^\{"errorDetail".*"error":"(.*)"\}\s*$/m.exec(text);
    if (failure) throw new EngineError(status, `${method} ${target.split('?')[0]}: ${failure[1]}`);
    return text;
  }
}

class EngineError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

if (import.meta.main) {
  const log = (line: string) => console.error(`images: ${line}`);
  try {
    const { host } = await ensureDocker((line: string) => console.error(`docker: ${line}`));
    for (const name of await ensureImages(host, log)) console.log(name);
  } catch (error) {
    if (!(error instanceof DockerUnavailable)) throw error;
    console.error(error.message);
    process.exit(UNAVAILABLE);
  }
}
