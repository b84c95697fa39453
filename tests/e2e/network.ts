// Machines on one machine: network namespaces with addresses of their own, joined by a bridge that the test makes and
// removes. Nothing outside these namespaces is reachable through them.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

/** Subnets are taken from here, by a random number, until one is free. */
const SUBNET_PREFIX = '10.213';
const TRIES = 20;

export interface Host {
  readonly name: string;
  readonly address: string;
  /** Put before a command, these run it inside the namespace. The file system stays the same, cgroups included. */
  readonly enter: readonly string[];
}

/** Whether this machine lets us make namespaces: it takes Linux, root and iproute2. */
export function canMakeNetworks(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    const probe = `caiprobe${process.pid}`;
    ip('netns', 'add', probe);
    ip('netns', 'delete', probe);
    return true;
  } catch {
    return false; // No `ip`, or a container without the capability.
  }
}

export class TestNetwork {
  /** The bridge's own address, reachable from every host: the master listens here. */
  readonly gateway: string;
  readonly hosts: readonly Host[];
  readonly #bridge: string;
  readonly #id: string;

  constructor(count: number) {
    this.#id = `${process.pid.toString(36)}${Math.floor(Math.random() * 36 ** 2).toString(36)}`;
    this.#bridge = `cb${this.#id}`;
    const subnet = freeSubnet();
    this.gateway = `${subnet}.1`;
    ip('link', 'add', this.#bridge, 'type', 'bridge');
    ip('address', 'add', `${this.gateway}/24`, 'dev', this.#bridge);
    ip('link', 'set', this.#bridge, 'up');
    this.hosts = Array.from({ length: count }, (_, index) => this.#addHost(index, `${subnet}.${index + 2}`));
  }

  /** Takes the cable out (false) or puts it back. */
  plug(host: Host, connected: boolean): void {
    ip('link', 'set', this.#outerOf(this.hosts.indexOf(host)), connected ? 'up' : 'down');
  }

  close(): void {
    for (const [index, host] of this.hosts.entries()) {
      quietly('netns', 'delete', host.name);
      quietly('link', 'delete', this.#outerOf(index));
    }
    quietly('link', 'delete', this.#bridge);
  }

  #addHost(index: number, address: string): Host {
    const name = `cai-${this.#id}-${index}`;
    const outer = this.#outerOf(index);
    const inner = `ci${this.#id}${index}`;
    ip('netns', 'add', name);
    ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', inner);
    ip('link', 'set', outer, 'master', this.#bridge);
    ip('link', 'set', outer, 'up');
    ip('link', 'set', inner, 'netns', name);
    ip('-netns', name, 'address', 'add', `${address}/24`, 'dev', inner);
    ip('-netns', name, 'link', 'set', inner, 'up');
    ip('-netns', name, 'link', 'set', 'lo', 'up');
    // Not `ip netns exec`: that mounts a new /sys, without the cgroups that a Docker engine needs.
    return { name, address, enter: ['nsenter', `--net=/run/netns/${name}`] };
  }

  #outerOf(index: number): string {
    return `co${this.#id}${index}`;
  }
}

function freeSubnet(): string {
  const taken = ip('-4', '-o', 'address', 'show');
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const subnet = `${SUBNET_PREFIX}.${Math.floor(Math.random() * 256)}`;
    if (!taken.includes(` ${subnet}.`)) return subnet;
  }
  throw new Error(`no free subnet in ${SUBNET_PREFIX}.0.0/16 after ${TRIES} tries`);
}

function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** What is gone already needs no removing. */
function quietly(...args: string[]): void {
  try {
    ip(...args);
  } catch {
    // See above; a namespace or link that really stays is seen by `ip` and harms nobody.
  }
}

/** The file of the namespace that a process is in, to compare. */
export function networkNamespaceOf(pid: number | 'self'): string {
  return fs.readlinkSync(`/proc/${pid}/ns/net`);
}
