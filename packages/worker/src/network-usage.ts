/**
 * Bytes that this machine received and sent since it started, on the interfaces that lead out of it. On Linux they stand
 * in two small files; `systeminformation` runs programs for them at every sample, one of which blocks the process.
 */
import { readFile } from 'node:fs/promises';

export interface NetworkBytes {
  readonly rx: number;
  readonly tx: number;
}

export async function readNetworkBytes(): Promise<NetworkBytes> {
  if (process.platform !== 'linux') return otherwise();
  const [routes, devices] = await Promise.all([
    readFile('/proc/net/route', 'utf8').catch(() => ''), // A kernel without IPv4 has none.
    readFile('/proc/net/dev', 'utf8'),
  ]);
  return sumOf(parseDevices(devices), defaultInterfaces(routes));
}

/** Names of the interfaces that a default route goes through. */
export function defaultInterfaces(routes: string): ReadonlySet<string> {
  const rows = routes
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'));
  const isDefault = ([, destination, , , , , , mask]: string[]) => destination === '00000000' && mask === '00000000';
  return new Set(rows.filter(isDefault).map(([name = '']) => name));
}

export function parseDevices(devices: string): ReadonlyMap<string, NetworkBytes> {
  const rows = devices
    .split('\n')
    .slice(2)
    .map((line) => line.trim().split(/[\s:]+/));
  const isDevice = (fields: string[]) => fields.length > 9;
  // After the name: eight columns of what was received, bytes first, then as many of what was sent.
  return new Map(
    rows.filter(isDevice).map(([name = '', ...counts]) => [name, { rx: Number(counts[0]), tx: Number(counts[8]) }]),
  );
}

/** Of those with a default route; of all but the loopback where there is none. */
function sumOf(devices: ReadonlyMap<string, NetworkBytes>, outward: ReadonlySet<string>): NetworkBytes {
  let rx = 0;
  let tx = 0;
  for (const [name, bytes] of devices) {
    if (outward.size > 0 ? !outward.has(name) : name === 'lo') continue;
    rx += bytes.rx;
    tx += bytes.tx;
  }
  return { rx, tx };
}

async function otherwise(): Promise<NetworkBytes> {
  const { networkStats } = (await import('systeminformation')).default;
  const stats = await networkStats(); // The default interface.
  return {
    rx: stats.reduce((sum, { rx_bytes }) => sum + rx_bytes, 0),
    tx: stats.reduce((sum, { tx_bytes }) => sum + tx_bytes, 0),
  };
}
