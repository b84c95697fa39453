import { Cli } from './cli.ts';
import { exitCode } from './exit-codes.ts';
import { Output } from './output/output.ts';
import { runCommandLine } from './program.ts';

/** One command line as a process: signals in, exit code out. */
export async function runProcess(argv: readonly string[]): Promise<void> {
  const cli = new Cli({ out: new Output(process, process.env), env: process.env });
  let interrupts = 0;
  const interrupt = () => {
    interrupts++;
    // Whoever asks three times gets out, whatever the command is waiting for.
    if (interrupts > 2) process.exit(exitCode('interrupted'));
    cli.interrupt();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  // The reader went away (`| head`): that is the end of the output and no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCode('ok'));
    throw error;
  });
  process.exitCode = await runCommandLine(cli, argv);
  process.off('SIGINT', interrupt);
  process.off('SIGTERM', interrupt);
}
