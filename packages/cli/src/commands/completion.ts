import { Argument, type Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';

export function configure(command: Command, cli: Cli): void {
  command
    .addArgument(new Argument('<shell>', 'your shell').choices(['bash', 'zsh', 'fish']))
    .action((shell: string) => completion(cli, shell));
  addExamples(
    command,
    { what: 'in this bash', line: 'source <(cloudai completion bash)' },
    { what: 'for every fish', line: 'cloudai completion fish > ~/.config/fish/completions/cloudai.fish' },
  );
}

async function completion(cli: Cli, shell: string): Promise<void> {
  const { script } = await import('../completion/scripts.ts');
  cli.out.print(script(shell));
}
