import net from 'node:net';
import { CliError } from '../errors.ts';

/** The port asked for, or with `auto` a free one. Throws when somebody has it, before anything is started. */
export async function choosePort(asked: string, flag: string, what: string): Promise<number> {
  if (asked === 'auto') return (await tryPort(0)) ?? 0;
  const port = /^\d{1,5}$/.test(asked) ? Number(asked) : Number.NaN;
  if (!(port > 0 && port < 65_536)) throw new CliError('usage', `${flag} ${asked}: a port, or auto, is expected`);
  if ((await tryPort(port)) !== null) return port;
  throw new CliError(
    'unavailable',
    `port ${port}, for ${what}, is taken by another process`,
    `Stop that one, or choose another with ${flag} PORT or ${flag} auto.`,
  );
}

/** The port if it can be listened on, null if not. */
function tryPort(port: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(null);
      else reject(error);
    });
    server.listen(port, '127.0.0.1', () => {
      const { port: taken } = server.address() as net.AddressInfo;
      server.close(() => resolve(taken));
    });
  });
}
