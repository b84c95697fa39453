/** A bench whose REST server listens, and watchers that are closed with it. */
import type { RestOptions } from '../rest/options.ts';
import { ADMIN, Bench, type BenchOptions } from './bench.ts';
import { RestClient } from './rest-client.ts';
import { Watcher } from './watcher.ts';

export class WatchCase {
  readonly bench: Bench;
  readonly rest: RestClient;
  readonly url: string;
  readonly #watchers = new Set<Watcher>();

  private constructor(bench: Bench, rest: RestClient, url: string) {
    this.bench = bench;
    this.rest = rest;
    this.url = url;
  }

  static async open(options: Partial<RestOptions> = {}, bench: BenchOptions = {}): Promise<WatchCase> {
    const opened = await Bench.open(bench);
    const rest = new RestClient(opened, options);
    return new WatchCase(opened, rest, await rest.app.listen({ host: '127.0.0.1', port: 0 }));
  }

  token(user: string): string {
    return this.bench.tokens.get(user)!;
  }

  async watch(user: string = ADMIN): Promise<Watcher> {
    const watcher = await Watcher.open(this.url, this.token(user));
    this.#watchers.add(watcher);
    return watcher;
  }

  /** The id of the new task. */
  async submit(user: string = ADMIN, task: object = {}, query = ''): Promise<string> {
    const { body, text } = await this.rest.post(`/tasks${query}`, { image: 'a', ...task }, { user });
    if (body?.id === undefined) throw new Error(text);
    return body.id as string;
  }

  closeWatchers(): void {
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers.clear();
  }

  async close(): Promise<void> {
    this.closeWatchers();
    await this.rest.server.close();
    await this.bench.close();
    if (this.rest.failures.length > 0) throw new AggregateError(this.rest.failures, 'the server wrote failures');
  }
}
