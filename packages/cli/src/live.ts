/** A view that draws itself anew until a key is pressed. */
import type { Cli } from './cli.ts';
import { Interrupted } from './errors.ts';
import { waitForKey } from './keys.ts';

/** Often enough to feel live, seldom enough to cost nothing. */
const REDRAW_MS = 2000;

const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
export const CLEAR_SCREEN = '\u001b[2J\u001b[H';

/** Draws at once and then every two seconds. Any key ends it; an error of `render` does too. */
export async function showLive(cli: Cli, render: (signal: AbortSignal) => Promise<readonly string[]>): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([cli.signal, stop.signal]);
  const key = waitForKey(process.stdin, signal).then(() => stop.abort(new Interrupted('key pressed')));
  let drawn = false;
  try {
    for (;;) {
      const lines = await render(signal);
      const room = Math.max(1, cli.out.height - 2);
      const shown = [...lines.slice(0, room), cli.out.colors.dim('Press any key to leave')];
      await cli.out.write(
        (drawn ? HOME : CLEAR_SCREEN) + shown.map((line) => line + CLEAR_LINE).join('\n') + CLEAR_BELOW,
      );
      drawn = true;
      await pause(REDRAW_MS, signal);
      if (signal.aborted) break;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    stop.abort();
    await key;
    if (drawn) cli.out.print('');
  }
  cli.signal.throwIfAborted();
}

/** Resolves after the time or when the signal fires, whichever is first. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (signal.aborted) done();
    else signal.addEventListener('abort', done, { once: true });
  });
}
