/** What master and worker have in common as processes: when they are told to stop. */
import type { Cli } from './cli.ts';

/**
 * Calls `stop` at Ctrl-C, SIGTERM, or when the `dev` command that started this process is gone: it holds the other end
 * of the channel, and a cluster that nobody watches would keep its ports.
 */
export function whenAskedToStop(cli: Cli, stop: () => void): void {
  cli.takeInterrupts(stop);
  if (process.channel == null) return;
  process.on('disconnect', stop);
  // Listening for the end of the channel is no reason to live on.
  process.channel.unref();
}
