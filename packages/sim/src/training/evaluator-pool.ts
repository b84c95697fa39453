import { Worker } from 'node:worker_threads';
import type { EvaluatorAnswer, EvaluatorRequest, EvaluatorSetup } from './evaluator.ts';

/** Threads that evaluate models; each gets the next one as soon as it is done. */
export class EvaluatorPool {
  readonly #idle: Worker[] = [];
  readonly #all: Worker[];
  readonly #waiting: Pending[] = [];
  readonly #running = new Map<number, Pending>();
  #next = 0;
  #failure: Error | null = null;

  constructor(setup: EvaluatorSetup, threads: number) {
    this.#all = Array.from({ length: threads }, () => {
      const worker = new Worker(new URL('./evaluator.ts', import.meta.url), { workerData: setup });
      worker.on('message', (answer: EvaluatorAnswer) => this.#done(worker, answer));
      worker.on('error', (error) => this.#fail(error));
      this.#idle.push(worker);
      return worker;
    });
  }

  /** The gains of every model, in their order. */
  evaluate(vectors: readonly (readonly number[])[], orders: readonly number[]): Promise<(readonly number[])[]> {
    return Promise.all(
      vectors.map(
        (vector) =>
          new Promise<readonly number[]>((resolve, reject) => {
            if (this.#failure !== null) return reject(this.#failure);
            this.#waiting.push({ request: { id: this.#next++, vector, orders }, resolve, reject });
            this.#feed();
            return undefined;
          }),
      ),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((worker) => worker.terminate()));
  }

  #feed(): void {
    while (this.#idle.length > 0 && this.#waiting.length > 0) {
      const pending = this.#waiting.shift()!;
      this.#running.set(pending.request.id, pending);
      this.#idle.pop()!.postMessage(pending.request);
    }
  }

  #done(worker: Worker, answer: EvaluatorAnswer): void {
    const pending = this.#running.get(answer.id)!;
    this.#running.delete(answer.id);
    this.#idle.push(worker);
    if ('gains' in answer) pending.resolve(answer.gains);
    else pending.reject(new Error(answer.problem));
    this.#feed();
  }

  #fail(error: Error): void {
    this.#failure = error;
    for (const pending of [...this.#running.values(), ...this.#waiting]) pending.reject(error);
    this.#running.clear();
    this.#waiting.length = 0;
  }
}

interface Pending {
  readonly request: EvaluatorRequest;
  readonly resolve: (gains: readonly number[]) => void;
  readonly reject: (error: Error) => void;
}
