import type { ReadStream } from 'node:tty';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { CliError } from '../errors.ts';
import { addExamples } from '../examples.ts';
import { keysIn } from '../keys.ts';
import { drawTop, type Frame } from '../top/frame.ts';
import { emptyData, followCluster } from '../top/model.ts';
import { FIRST_VIEW, pressKey, type TopView } from '../top/view.ts';

/** News that follows each other is drawn together. */
const DRAW_EVERY_MS = 100;
/** Ages grow without news. */
const TICK_MS = 1_000;

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

export function configure(command: Command, cli: Cli): void {
  command.action(() => top(cli));
  addExamples(command, { what: 'tasks, workers and queue, live on the whole screen', line: 'cloudai top' });
}

async function top(cli: Cli): Promise<void> {
  const { stdin, stdout } = process;
  if (!cli.out.isTerminal || stdin.isTTY !== true || cli.json)
    throw new CliError('usage', 'top needs a terminal', 'For scripts: cloudai status --json, cloudai tasks --json.');
  const client = await cli.client('patient');
  // A wrong address or token is said before the screen is taken.
  await client.getVersion({ signal: cli.signal });
  const data = emptyData();
  const { promise: left, resolve: leave } = Promise.withResolvers<void>();
  let view: TopView = FIRST_VIEW;
  let frame: Frame | null = null;
  let timer: NodeJS.Timeout | null = null;
  let isWriting = false;
  const draw = (): void => {
    timer = null;
    const { colors, height } = cli.out;
    frame = drawTop(data, view, { width: cli.out.width ?? 80, height, colors, now: Date.now() });
    const taken = cli.out.write(HOME + frame.lines.map((line) => line + CLEAR_LINE).join('\n') + CLEAR_BELOW);
    if (taken === undefined) return;
    isWriting = true;
    void taken.then(() => {
      isWriting = false;
      drawSoon();
    });
  };
  /** A terminal that takes its time gets the newest once it is ready. */
  const drawSoon = (): void => {
    if (!isWriting) timer ??= setTimeout(draw, DRAW_EVERY_MS);
  };
  const onKeys = (chunk: Buffer): void => {
    for (const key of keysIn(chunk)) {
      const next = pressKey(view, key, frame?.rows ?? 0, frame?.page ?? 1);
      if (next === null) {
        leave();
        return;
      }
      view = next;
    }
    if (!isWriting) draw();
  };
  const terminal = stdin as ReadStream;
  const tick = setInterval(drawSoon, TICK_MS);
  terminal.setRawMode(true);
  await cli.out.write(ENTER);
  stdin.on('data', onKeys).on('end', leave).resume();
  stdout.on('resize', drawSoon);
  cli.signal.addEventListener('abort', () => leave(), { once: true });
  const stop = followCluster(client, data, drawSoon);
  try {
    draw();
    await left;
  } finally {
    stop();
    clearInterval(tick);
    if (timer !== null) clearTimeout(timer);
    stdout.off('resize', drawSoon);
    stdin.off('data', onKeys).off('end', leave).pause();
    terminal.setRawMode(false);
    await cli.out.write(LEAVE);
    client.close();
  }
  cli.signal.throwIfAborted();
}
