/** What master and worker have in common as processes: when they are told to stop. */
import { flushCompileCache } from 'node:module';
import type { Cli } from './cli.ts';
import { exitCode } from './exit-codes.ts';

/** Until then what a process needs has been loaded. */
const COMPILED_MS = 2_000;

/**
 * Stops at Ctrl-C, SIGTERM, or when the `dev` command that started this process is gone: it holds the other end of the
 * channel, and a cluster that nobody watches would keep its ports. Before there is anything to stop in order the
 * process just ends: what it acknowledged is stored. Answers how to name what has to be stopped, once it has started.
 */
export function endWhenAsked(cli: Cli): (stop: () => void) => void {
  let act = (): void => process.exit(exitCode('interrupted'));
  cli.takeInterrupts(() => act());
  if (process.channel != null) {
    process.on('disconnect', () => act());
    // Listening for the end of the channel is no reason to live on.
    process.channel.unref();
  }
  return (stop) => {
    act = stop;
    // What was compiled makes the next start quicker; a process that is killed would not keep it.
    setTimeout(flushCompileCache, COMPILED_MS).unref();
  };
}
