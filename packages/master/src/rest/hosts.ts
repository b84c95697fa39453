import { isIPv4, isIPv6 } from 'node:net';

/** Whether an address is reachable from this machine only. */
export function isLoopback(host: string): boolean {
  const address = bare(host);
  return address === 'localhost' || address === '::1' || (isIPv4(address) && address.startsWith('127.'));
}

/**
 * Which `Host` headers are answered. A page in a browser can make its own name resolve to a loopback address; the
 * header still says that name. Beyond loopback TLS does the same, because no such name is in the certificate.
 */
export function hostCheck(listening: string, further: readonly string[]): (header: string | undefined) => boolean {
  if (!isLoopback(listening)) return () => true;
  const known = new Set(['localhost', '127.0.0.1', '::1', bare(listening), ...further.map(bare)]);
  // One client after the other sends the same one.
  let last: string | undefined;
  return (header) => {
    if (header === undefined) return false;
    if (header !== last) {
      if (!known.has(bare(withoutPort(header)))) return false;
      last = header;
    }
    return true;
  };
}

function withoutPort(header: string): string {
  return header.replace(/:\d{1,5}$/, '');
}

function bare(host: string): string {
  const address = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  return isIPv6(address) ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address.replace(/\.$/, '');
}
