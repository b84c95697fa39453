/** `host:port` as people write it, and taking one to listen on. */
import { StartError } from './start-error.ts';

export function joinAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** `host`, `host:port`, `[v6]` or `[v6]:port`; a bare v6 address has no port. */
export function splitAddress(text: string): [host: string, port: number | null] {
  const match = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text);
  if (match === null) return [text, null];
  return [match[1] ?? match[2] ?? '', match[3] === undefined ? null : Number(match[3])];
}

/** Those of the names that a certificate can be made out to. */
export function namesOf(hosts: readonly string[]): string[] {
  return hosts.filter((name) => name !== '' && name !== '0.0.0.0' && name !== '::');
}

/** Whom an address serves, and the flag that chooses another. */
const FLAGS = { users: '--listen', programs: '--grpc-listen', workers: '--worker-listen' } as const;

/** Listens, or says in `StartError` why it can not and which flag helps. */
export async function bind<T>(
  listen: () => Promise<T>,
  host: string,
  port: number,
  whom: keyof typeof FLAGS,
): Promise<T> {
  try {
    return await listen();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const at = joinAddress(host, port);
    if (code === 'EADDRINUSE')
      throw new StartError(
        'port_taken',
        `${at}, the address for ${whom}, is taken by another process; stop that one, or choose another with ${FLAGS[whom]} HOST:PORT`,
        { cause },
      );
    if (code === 'EADDRNOTAVAIL' || code === 'EACCES' || code === 'ENOTFOUND')
      throw new StartError(
        'address_unavailable',
        `can not listen on ${at}, the address for ${whom} (${code}); choose another with ${FLAGS[whom]} HOST:PORT`,
        { cause },
      );
    throw cause;
  }
}
