import { Cli, type StopSignal } from './cli.ts';
import { exitCode } from './exit-codes.ts';
import { Output } from './output/output.ts';
import { runCommandLine } from './program.ts';

/** Whoever presses Ctrl-C so often gets out, whatever the command is waiting for. */
const PRESSES = 3;

/** One command line as a process: signals in, exit code out. */
export async function runProcess(argv: readonly string[]): Promise<void> {
  const cli = new Cli({ out: new Output(process, process.env), env: process.env });
  let presses = 0;
  const interrupt = (signal: NodeJS.Signals) => {
    presses += signal === 'SIGINT' && !cli.keepsCtrlC ? 1 : 0;
    if (presses >= PRESSES) process.exit(exitCode('interrupted'));
    cli.interrupt(signal as StopSignal);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
  // The reader went away (`| head`): that is the end of the output and no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCode('ok'));
    throw error;
  });
  process.exitCode = await runCommandLine(cli, argv);
  if (cli.endsAtOnce) process.exit();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, interrupt);
}
