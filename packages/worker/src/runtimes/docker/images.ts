/**
 * Makes the image of a task present and says which one it is. Pulls are bounded in time and number, identical ones are
 * shared, and a registry that can not be reached does not matter while the image is here.
 */
import type http from 'node:http';
import type { RunSpec } from '../../core/attempt.ts';
import type { PreparedImage } from '../../core/state.ts';
import { Slots } from '../../slots.ts';
import { RuntimeError } from '../runtime.ts';
import { type DockerClient, DockerError, DockerUnreachable } from './client.ts';
import { atDigest, familiarName, type ImageReference, parseImageReference } from './image-reference.ts';
import { registryAuth } from './registry-auth.ts';

/** Pulls share the worker's network; more of them at once make each slower and none earlier. */
const MAX_PULLS = 2;
const PULL_IDLE_MS = 120_000;
const PULL_TOTAL_MS = 600_000;
/** How long an image that was found is believed to be there. Creating a container tells if it is not. */
const INSPECT_CACHE_MS = 10_000;
const INSPECT_CACHE_ENTRIES = 500;
const PROGRESS_MS = 1_000;

interface ImageInspect {
  readonly Id: string;
  readonly RepoDigests: readonly string[] | null;
}

interface PullMessage {
  readonly id?: string;
  readonly status?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly error?: string;
  readonly errorDetail?: { readonly message?: string };
}

interface SharedPull {
  readonly done: Promise<void>;
  readonly listeners: Set<(text: string) => void>;
  readonly abort: AbortController;
  users: number;
}

export interface ImagesOptions {
  readonly authFile: string;
  readonly now: () => number;
  readonly warn: (text: string) => void;
  readonly pullIdleMs?: number;
  readonly pullTotalMs?: number;
}

export class Images {
  readonly #client: DockerClient;
  readonly #options: ImagesOptions;
  readonly #found = new Map<string, { readonly image: ImageInspect; readonly until: number }>();
  readonly #pulls = new Map<string, SharedPull>();
  readonly #slots = new Slots(MAX_PULLS);

  constructor(client: DockerClient, options: ImagesOptions) {
    this.#client = client;
    this.#options = options;
  }

  async prepare(spec: RunSpec, onProgress: (text: string) => void, signal: AbortSignal): Promise<PreparedImage> {
    const reference = parseImageReference(spec.image);
    if (reference === null) {
      throw new RuntimeError('image_error', `"${spec.image}" is not an image reference; write name:tag`);
    }
    const digest = pinnedDigest(spec, reference);
    const wanted = digest === null ? spec.image : atDigest(reference, digest);
    const here = await this.#inspect(wanted);
    if (here !== null && (spec.pull !== 'always' || digest !== null)) return prepared(here, reference);
    if (spec.pull === 'never') {
      throw new RuntimeError(
        'image_error',
        `image "${wanted}" is not on this worker, and the task says pull=never; pull it there or use pull=missing`,
      );
    }
    const failure = await this.#pull(reference, wanted, digest, onProgress, signal);
    if (failure === null) {
      this.#found.delete(wanted);
      const pulled = await this.#inspect(wanted);
      if (pulled !== null) return prepared(pulled, reference);
      throw new RuntimeError(
        'image_error',
        `image "${wanted}" was pulled and is gone again; is something removing images?`,
      );
    }
    if (here !== null) {
      const text = `image "${wanted}" could not be pulled (${failure}); the copy on this worker is used`;
      this.#options.warn(text);
      onProgress(text);
      return prepared(here, reference);
    }
    throw new RuntimeError('image_error', explain(wanted, reference, failure));
  }

  /** A create said that it is not there after all. */
  forget(): void {
    this.#found.clear();
  }

  async #inspect(name: string): Promise<ImageInspect | null> {
    const now = this.#options.now();
    const known = this.#found.get(name);
    if (known !== undefined && known.until > now) return known.image;
    this.#found.delete(name);
    try {
      const image = await this.#client.json<ImageInspect>({ method: 'GET', path: `/images/${name}/json` });
      if (this.#found.size >= INSPECT_CACHE_ENTRIES) this.#found.clear();
      this.#found.set(name, { image, until: now + INSPECT_CACHE_MS });
      return image;
    } catch (error) {
      if (error instanceof DockerError && error.status === 404) return null;
      throw error;
    }
  }

  /** Null when it worked, otherwise what the registry or the daemon said. */
  async #pull(
    reference: ImageReference,
    wanted: string,
    digest: string | null,
    onProgress: (text: string) => void,
    signal: AbortSignal,
  ): Promise<string | null> {
    signal.throwIfAborted();
    let pull = this.#pulls.get(wanted);
    if (pull === undefined) {
      const abort = new AbortController();
      const listeners = new Set([onProgress]);
      const done = this.#pullOnce(reference, digest, listeners, abort.signal).finally(() => this.#pulls.delete(wanted));
      pull = { done, listeners, abort, users: 0 };
      this.#pulls.set(wanted, pull);
    }
    const shared = pull;
    shared.users += 1;
    shared.listeners.add(onProgress);
    try {
      await Promise.race([shared.done, aborted(signal)]);
      return null;
    } catch (error) {
      signal.throwIfAborted();
      // Without an answer of the engine nothing is known of the image.
      if (error instanceof DockerUnreachable) throw error;
      return (error as Error).message;
    } finally {
      shared.users -= 1;
      shared.listeners.delete(onProgress);
      if (shared.users === 0) {
        // Nobody wants it any more; the next one who does starts over rather than joining what is being aborted.
        if (this.#pulls.get(wanted) === shared) this.#pulls.delete(wanted);
        shared.done.catch(() => {}); // Its failure has been told to whoever waited.
        shared.abort.abort();
      }
    }
  }

  async #pullOnce(
    reference: ImageReference,
    digest: string | null,
    listeners: ReadonlySet<(text: string) => void>,
    signal: AbortSignal,
  ): Promise<void> {
    const tell = (text: string) => {
      for (const listener of listeners) listener(text);
    };
    if (this.#slots.isFull) tell('waiting for other pulls');
    await this.#slots.run(() => {
      signal.throwIfAborted();
      return this.#pullNow(reference, digest, tell, signal);
    });
  }

  async #pullNow(
    reference: ImageReference,
    digest: string | null,
    tell: (text: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const auth = await registryAuth(this.#options.authFile, reference.registry);
    const idleMs = this.#options.pullIdleMs ?? PULL_IDLE_MS;
    const totalMs = this.#options.pullTotalMs ?? PULL_TOTAL_MS;
    const giveUp = new AbortController();
    let reason: string | null = null;
    const give = (text: string) => {
      reason = text;
      giveUp.abort();
    };
    const total = setTimeout(() => give(`the pull took longer than ${totalMs / 1000} s`), totalMs);
    let idle: NodeJS.Timeout | undefined;
    const heard = () => {
      clearTimeout(idle);
      idle = setTimeout(() => give(`the registry sent nothing for ${idleMs / 1000} s`), idleMs);
    };
    heard();
    tell(`pulling ${reference.name}`);
    try {
      const response = await this.#client.stream({
        method: 'POST',
        path: '/images/create',
        query: { fromImage: reference.name, tag: digest ?? reference.digest ?? reference.tag ?? 'latest' },
        headers: auth === null ? {} : { 'x-registry-auth': auth },
        signal: AbortSignal.any([signal, giveUp.signal]),
      });
      await readPull(response, heard, tell, this.#options.now);
    } catch (error) {
      if (reason !== null) throw new Error(reason, { cause: error });
      if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') {
        throw new DockerUnreachable('Docker broke off the pull; is it being restarted?', { cause: error });
      }
      throw error;
    } finally {
      clearTimeout(total);
      clearTimeout(idle);
    }
  }
}

/** Reads the progress to its end; an error inside it is the outcome, whatever the HTTP status was. */
async function readPull(
  response: http.IncomingMessage,
  heard: () => void,
  tell: (text: string) => void,
  now: () => number,
): Promise<void> {
  const layers = new Map<string, { current: number; total: number }>();
  let rest = '';
  let toldAt = Number.NEGATIVE_INFINITY;
  let failure: string | null = null;
  for await (const bytes of response) {
    heard();
    const lines = (rest + (bytes as Buffer).toString('utf8')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.trim() === '') continue;
      const message = JSON.parse(line) as PullMessage;
      failure ??= message.errorDetail?.message ?? message.error ?? null;
      const { current, total } = message.progressDetail ?? {};
      if (message.status === 'Downloading' && message.id !== undefined && current !== undefined) {
        layers.set(message.id, { current, total: total ?? current });
      }
    }
    if (layers.size > 0 && now() - toldAt >= PROGRESS_MS) {
      toldAt = now();
      tell(progressText([...layers.values()]));
    }
  }
  if (failure !== null) throw new Error(failure);
}

function progressText(layers: readonly { current: number; total: number }[]): string {
  const current = layers.reduce((sum, layer) => sum + layer.current, 0);
  const total = layers.reduce((sum, layer) => sum + layer.total, 0);
  return `pulling ${megabytes(current)} of ${megabytes(total)}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** The digest of an earlier attempt wins, so that all attempts of a task run the same image. */
function pinnedDigest(spec: RunSpec, reference: ImageReference): string | null {
  if (spec.imageDigest === null || spec.imageDigest === '') return reference.digest;
  const at = spec.imageDigest.indexOf('@');
  return at === -1 ? spec.imageDigest : spec.imageDigest.slice(at + 1);
}

function prepared(image: ImageInspect, reference: ImageReference): PreparedImage {
  const digests = image.RepoDigests ?? [];
  const own = digests.find((digest) => digest.startsWith(`${familiarName(reference)}@`));
  return { imageId: image.Id, digest: own ?? null };
}

function explain(wanted: string, reference: ImageReference, failure: string): string {
  const advice = /denied|unauthori[sz]ed|authentication|forbidden/i.test(failure)
    ? `check the name, and whether ${reference.registry} needs a login (docker login ${reference.registry} on the worker, or --registry-auth)`
    : /manifest unknown|not found|no such/i.test(failure)
      ? 'check the name and the tag'
      : `check that the worker reaches ${reference.registry}, or load the image there (docker load)`;
  return `image "${wanted}" is not on this worker and could not be pulled: ${failure}; ${advice}`;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
