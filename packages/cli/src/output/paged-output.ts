import { waitForKey } from '../keys.ts';
import { Output } from './output.ts';

/** Output of the prompt: a list longer than the screen is shown a screen at a time. */
export class PagedOutput extends Output {
  #lines: string[] = [];

  override print(text: string): void {
    this.#lines.push(...text.split('\n'));
  }

  override write(data: Uint8Array | string, to?: 'stdout' | 'stderr'): Promise<void> | undefined {
    this.#flush();
    return super.write(data, to);
  }

  override note(text: string): void {
    this.#flush();
    super.note(text);
  }

  override error(text: string): void {
    this.#flush();
    super.error(text);
  }

  /** Called when the command is done: shows what it printed. Space or Enter goes on, q leaves the rest out. */
  async finish(input: NodeJS.ReadStream): Promise<void> {
    const page = this.height - 1;
    while (this.isTerminal && input.isTTY && this.#lines.length > page) {
      super.print(this.#lines.splice(0, page).join('\n'));
      const question = this.colors.inverse(`-- ${this.#lines.length} more lines: any key goes on, q stops --`);
      await super.write(question);
      const { outcome, key } = await waitForKey(input, new AbortController().signal);
      await super.write('\r\u001b[K');
      if (outcome !== 'key' || key === 'q') this.#lines = [];
    }
    this.#flush();
  }

  #flush(): void {
    const lines = this.#lines;
    this.#lines = [];
    if (lines.length > 0) super.print(lines.join('\n'));
  }
}
