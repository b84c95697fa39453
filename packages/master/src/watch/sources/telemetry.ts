/** What heartbeats measure: the newest sample of each worker that has told one since the message before. */
import type { SampleView, TelemetrySubscription } from '@cloudai/api/watch';
import { visibleNamespaces } from '../../authorize.ts';
import { findTask } from '../../operations/find.ts';
import { time, usageView } from '../../views.ts';
import { callOf } from '../call.ts';
import type { AttemptUsage, Sample } from '../sample-feed.ts';
import { type Source, type SourceParts, visibilityOf } from '../source.ts';

const EVERY_MS = 500;
/** In one message. */
const MOST_SAMPLES = 500;

export async function openTelemetry(parts: SourceParts, request: TelemetrySubscription): Promise<Source> {
  const { context, operations, subject } = parts;
  const { worker, task: id } = request;
  if (worker !== undefined)
    await operations.perform('getWorker', callOf(context, subject, 'getWorker'), {
      params: { worker },
      query: {},
      body: undefined,
    });
  const task = id === undefined ? null : await findTask(context, callOf(context, subject, 'getTask'), id);
  return new TelemetrySource(parts, worker ?? null, task?.id ?? null);
}

class TelemetrySource implements Source {
  readonly sequence: number;
  readonly #parts: SourceParts;
  readonly #worker: string | null;
  readonly #task: string | null;
  readonly #visibility: string;
  #position: number;
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(parts: SourceParts, worker: string | null, task: string | null) {
    this.#parts = parts;
    this.#worker = worker;
    this.#task = task;
    this.#visibility = `${visibilityOf(parts.subject)} ${task ?? ''}`;
    this.sequence = parts.feed.head;
    // What is known of now comes first, as far as it is known here.
    this.#position = parts.samples.ring.first;
  }

  pump(): void {}

  tick(now: number): void {
    const { outlet, samples } = this.#parts;
    if (now - this.#readAt < EVERY_MS || !outlet.hasRoom()) return;
    this.#readAt = now;
    const { ring } = samples;
    // Whatever a slow reader missed is old news.
    this.#position = Math.max(this.#position, ring.first);
    const texts: string[] = [];
    for (; this.#position < ring.next && texts.length < MOST_SAMPLES; this.#position++) {
      const { key: worker, row, isNewest } = ring.at(this.#position);
      if (!isNewest || (this.#worker !== null && worker !== this.#worker)) continue;
      if (this.#task !== null && !row.usage.attempts.some(({ taskId }) => taskId === this.#task)) continue;
      texts.push(this.#textOf(worker, row));
    }
    if (texts.length > 0) outlet.send('telemetry', `"samples":[${texts.join(',')}]}`);
  }

  close(): void {}

  #textOf(worker: string, { usage, texts }: Sample): string {
    let text = texts.get(this.#visibility);
    if (text === undefined) {
      const tasks = usage.attempts.filter((attempt) => this.#maySee(attempt)).map(taskUsageOf);
      const sample: SampleView = { worker, at: time(usage.at), usage: usageView(usage), tasks };
      text = JSON.stringify(sample);
      texts.set(this.#visibility, text);
    }
    return text;
  }

  #maySee({ taskId }: AttemptUsage): boolean {
    if (this.#task !== null && taskId !== this.#task) return false;
    const { context, subject } = this.#parts;
    const visible = visibleNamespaces(subject, 'getTask');
    const task = context.loop.engine.task(taskId);
    return task !== null && (visible === 'all' || visible.includes(task.namespace));
  }
}

function taskUsageOf(usage: AttemptUsage): SampleView['tasks'][number] {
  const { taskId, attempt, cpuMillis, memoryBytes, memoryPeakBytes, storageBytes, networkRxBytes, networkTxBytes } =
    usage;
  return {
    ...{ taskId, attempt, cpuMillis, memoryBytes, memoryPeakBytes, storageBytes, networkRxBytes, networkTxBytes },
    ...{
      gpu: usage.gpu ?? null,
      diskReadBytes: usage.diskReadBytes ?? null,
      diskWriteBytes: usage.diskWriteBytes ?? null,
    },
    paused: usage.paused,
  };
}
