// A Docker engine of the test's own, to be killed and restarted at will. It lives in a network namespace of its own:
// two engines in one namespace share the default bridge and the firewall, and the second takes them from the first.
// containerd is a process beside it, as an operating system runs it, so that killing the engine kills the engine alone.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Docker } from './docker.ts';
import { TestNetwork } from './network.ts';
import { ManagedProcess } from './process.ts';
import { until } from './wait.ts';

const IMAGE = 'cloudai/busybox:local';

export class PrivateEngine {
  readonly docker: Docker;
  readonly host: string;
  readonly #folder: string;
  readonly #network = new TestNetwork(1);
  #containerd: ManagedProcess | null = null;
  #dockerd: ManagedProcess | null = null;

  readonly #liveRestore: boolean;

  constructor({ liveRestore = true }: { readonly liveRestore?: boolean } = {}) {
    this.#liveRestore = liveRestore;
    // The socket's path has a limit of 108 bytes, hence a short one.
    this.#folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cai-dockerd-'));
    this.host = `unix://${this.#folder}/docker.sock`;
    this.docker = new Docker(this.host);
  }

  /** With the image of the tests copied from the shared engine. */
  static async start(options: { readonly liveRestore?: boolean } = {}): Promise<PrivateEngine> {
    const engine = new PrivateEngine(options);
    try {
      await engine.start();
      const shared = new Docker();
      await engine.docker.bytes('POST', '/images/load?quiet=1', await shared.bytes('GET', `/images/${IMAGE}/get`));
      shared.close();
      return engine;
    } catch (error) {
      await engine.close();
      throw error;
    }
  }

  async start(): Promise<void> {
    this.#containerd ??= await this.#startContainerd();
    const dockerd = this.#launch('dockerd', [
      ...(this.#liveRestore ? ['--live-restore'] : []),
      '--bridge=none',
      `--containerd=${this.#at('containerd.sock')}`,
      `--data-root=${this.#at('data')}`,
      `--exec-root=${this.#at('exec')}`,
      `--pidfile=${this.#at('pid')}`,
      `--host=${this.host}`,
      `--config-file=${this.#write('daemon.json', '{}')}`,
    ]);
    this.#dockerd = dockerd;
    await until(
      async () => {
        dockerd.mustBeAlive();
        return await this.docker.ping();
      },
      { what: 'the private Docker engine' },
    );
  }

  /** SIGKILL of the engine alone; its containers go on. */
  async kill9(): Promise<void> {
    await this.#dockerd?.kill9();
  }

  /** An orderly stop; with live-restore the containers go on. */
  async stop(): Promise<void> {
    await this.#dockerd?.stop();
  }

  async close(): Promise<void> {
    try {
      if (this.#dockerd?.ended === null) {
        for (const { Id } of await this.docker.containers()) await this.docker.remove(Id);
        await this.#dockerd.stop();
      }
      await this.#containerd?.stop();
    } finally {
      this.docker.close();
      killWhatNames(this.#folder);
      this.#network.close();
      unmountBelow(this.#folder);
      fs.rmSync(this.#folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    }
  }

  async #startContainerd(): Promise<ManagedProcess> {
    const config = [
      'version = 2',
      `root = "${this.#at('containerd')}"`,
      `state = "${this.#at('containerd-state')}"`,
      'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
      '[grpc]',
      `address = "${this.#at('containerd.sock')}"`,
    ].join('\n');
    const containerd = this.#launch('containerd', ['--config', this.#write('containerd.toml', config)]);
    await until(
      () => {
        containerd.mustBeAlive();
        return fs.existsSync(this.#at('containerd.sock'));
      },
      { what: 'containerd' },
    );
    return containerd;
  }

  #launch(name: string, args: readonly string[]): ManagedProcess {
    const [enter, ...enterArgs] = this.#network.hosts[0]!.enter as [string, ...string[]];
    return new ManagedProcess({
      name,
      command: enter,
      args: [...enterArgs, name, ...args],
      env: process.env,
      logFile: this.#at(`${name}.log`),
    });
  }

  #at(name: string): string {
    return path.join(this.#folder, name);
  }

  #write(name: string, text: string): string {
    fs.writeFileSync(this.#at(name), text);
    return this.#at(name);
  }
}

/** Shims of containers outlive a containerd that was killed; their command line names the folder. */
function killWhatNames(folder: string): void {
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder)) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** The engine mounts its data folder upon itself and the namespaces of its containers; an orderly stop leaves the first. */
function unmountBelow(folder: string): void {
  const mounts = fs
    .readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  for (const mount of mounts.filter((target) => target.startsWith(`${folder}/`)).reverse()) {
    execFileSync('umount', ['--lazy', mount]);
  }
}
