/**
 * Plays programs instead of running containers: for tests and for farms of many workers in one process. The containers
 * live in a `ScriptedMachine`, which outlives the runtime that started them, as Docker outlives a worker process.
 */
import { type Clock, delay } from '../../clock.ts';
import { type AttemptKey, keyText, type RunSpec } from '../../core/attempt.ts';
import type { ContainerExit } from '../../core/classify.ts';
import { STREAM_NAMES } from '../../core/log-ledger.ts';
import type { PreparedImage } from '../../core/state.ts';
import {
  type ContainerStats,
  type FoundContainer,
  type LogNotes,
  type LogPiece,
  type Outputs,
  type Runtime,
  RuntimeError,
  type RuntimeHealth,
  type StartedContainer,
} from '../runtime.ts';
import { type Program, parseOptions, parseProgram } from './program.ts';

const SIGTERM_EXIT = 143;
const SIGKILL_EXIT = 137;
const PIECE_BYTES = 32 * 1024;

interface Container {
  readonly key: AttemptKey;
  readonly id: string;
  readonly spec: RunSpec;
  readonly image: PreparedImage;
  readonly program: Program;
  startedAt: number | null;
  /** By the clock that never jumps. */
  startedMs: number;
  exit: ContainerExit | null;
  /** It was ended before its program was through; by the clock that never jumps. */
  cutAtMs: number | null;
  readonly ended: PromiseWithResolvers<ContainerExit>;
  cancelEnd: (() => void) | null;
}

export class ScriptedMachine {
  readonly clock: Clock;
  readonly containers = new Map<string, Container>();
  /** Every start that ever happened, for tests that count executions. */
  readonly starts: AttemptKey[] = [];
  isDown = false;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Ends a container from outside. */
  kill(key: AttemptKey): void {
    const container = this.containers.get(keyText(key));
    if (container !== undefined) this.cut(container, { exitCode: SIGKILL_EXIT, external: true });
  }

  start(container: Container): void {
    if (container.startedAt !== null) return;
    this.starts.push(container.key);
    container.startedAt = this.clock.wallNow();
    container.startedMs = this.clock.now();
    const { sleepMs, exitCode, end } = container.program;
    container.cancelEnd = this.clock.after(sleepMs, () =>
      this.end(container, {
        exitCode,
        oomKilled: end === 'oom',
        external: end === 'external',
        daemonRestart: end === 'daemonRestart',
      }),
    );
  }

  /** Ends it in the middle of its program. */
  cut(container: Container, exit: Partial<ContainerExit>): void {
    if (container.exit === null) container.cutAtMs = this.clock.now();
    this.end(container, exit);
  }

  end(container: Container, exit: Partial<ContainerExit>): void {
    if (container.exit !== null) return;
    container.cancelEnd?.();
    container.exit = {
      exitCode: 0,
      oomKilled: false,
      external: false,
      daemonRestart: false,
      startedAt: container.startedAt,
      endedAt: this.clock.wallNow(),
      error: null,
      ...exit,
    };
    container.ended.resolve(container.exit);
  }
}

export class ScriptedRuntime implements Runtime {
  readonly name = 'scripted';
  readonly #machine: ScriptedMachine;
  readonly #closed = new AbortController();

  constructor(machine: ScriptedMachine) {
    this.#machine = machine;
  }

  async health(): Promise<RuntimeHealth> {
    return this.#machine.isDown
      ? { ok: false, message: 'the scripted machine is down', instance: null }
      : { ok: true, message: null, instance: '1' };
  }

  async prepare(spec: RunSpec, onProgress: (text: string) => void, signal: AbortSignal): Promise<PreparedImage> {
    const program = programOf(spec);
    if (program.pullMs > 0) {
      onProgress('pulling');
      await delay(this.#machine.clock, program.pullMs, signal);
    }
    if (program.fails === 'image_error') throw new RuntimeError('image_error', `image "${spec.image}" can not be had`);
    return { imageId: spec.image, digest: null };
  }

  async start(key: AttemptKey, spec: RunSpec, image: PreparedImage): Promise<StartedContainer> {
    this.#up();
    const program = programOf(spec);
    const text = keyText(key);
    let container = this.#machine.containers.get(text);
    if (container === undefined) {
      container = {
        key,
        id: `scripted-${text}`,
        spec,
        image,
        program,
        startedAt: null,
        startedMs: 0,
        exit: null,
        cutAtMs: null,
        ended: Promise.withResolvers<ContainerExit>(),
        cancelEnd: null,
      };
      this.#machine.containers.set(text, container);
    }
    if (program.startMs > 0) await delay(this.#machine.clock, program.startMs, this.#closed.signal);
    if (program.fails === 'start_error') throw new RuntimeError('start_error', 'the scripted start fails');
    if (program.fails === 'command_error') {
      throw new RuntimeError('command_error', 'the scripted command does not exist', { exitCode: 127 });
    }
    this.#machine.start(container);
    return { containerId: container.id, startedAt: container.startedAt ?? 0 };
  }

  async wait(key: AttemptKey, _containerId: string, signal: AbortSignal): Promise<ContainerExit> {
    const container = this.#machine.containers.get(keyText(key));
    if (container === undefined) return missing(this.#machine.clock.wallNow());
    return Promise.race([container.ended.promise, rejected(signal), rejected(this.#closed.signal)]);
  }

  async stop(key: AttemptKey, _containerId: string, graceMs: number): Promise<void> {
    this.#up();
    const container = this.#machine.containers.get(keyText(key));
    if (container === undefined || container.exit !== null) return;
    if (!container.program.ignoresStop && graceMs > 0) {
      this.#machine.cut(container, { exitCode: SIGTERM_EXIT });
      return;
    }
    if (graceMs > 0) await delay(this.#machine.clock, graceMs, this.#closed.signal);
    this.#machine.cut(container, { exitCode: SIGKILL_EXIT });
  }

  async remove(key: AttemptKey): Promise<void> {
    this.#up();
    const container = this.#machine.containers.get(keyText(key));
    if (container !== undefined) this.#machine.cut(container, { exitCode: SIGKILL_EXIT });
    this.#machine.containers.delete(keyText(key));
  }

  async *logs(
    key: AttemptKey,
    _containerId: string,
    _isEnough: () => boolean,
    signal: AbortSignal,
  ): AsyncGenerator<LogPiece> {
    const container = this.#machine.containers.get(keyText(key));
    if (container === undefined) return;
    const { lines, errorLines, sleepMs } = container.program;
    const end = Promise.race([container.ended.promise, rejected(signal), rejected(this.#closed.signal)]);
    const most = Math.max(lines, errorLines);
    let pieces: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
    for (let line = 0; line < most; line += 1) {
      const dueMs = container.startedMs + (sleepMs * line) / most;
      const waitMs = dueMs - this.#machine.clock.now();
      if (waitMs > 0 && container.exit === null) {
        yield* flush(pieces);
        pieces = { stdout: [], stderr: [] };
        await Promise.race([delay(this.#machine.clock, waitMs, signal), end]);
      }
      if (container.cutAtMs !== null && container.cutAtMs < dueMs) break;
      if (line < lines) pieces.stdout.push(scriptedLine(container.program, line));
      if (line < errorLines) pieces.stderr.push(scriptedLine(container.program, line));
      if (Math.max(pieces.stdout.length, pieces.stderr.length) * container.program.lineBytes >= PIECE_BYTES) {
        yield* flush(pieces);
        pieces = { stdout: [], stderr: [] };
      }
    }
    yield* flush(pieces);
    await end;
  }

  logNotes(): LogNotes {
    return { loss: null, commandError: null };
  }

  async stats(key: AttemptKey): Promise<ContainerStats | null> {
    const container = this.#machine.containers.get(keyText(key));
    if (container === undefined || container.exit !== null) return null;
    const { memoryBytes } = container.program;
    const ranMs = this.#machine.clock.now() - container.startedMs;
    return {
      cpuMicros: Math.floor(ranMs * container.spec.cpuMillis),
      memoryBytes,
      memoryPeakBytes: memoryBytes,
      networkRxBytes: 0,
      networkTxBytes: 0,
      paused: false,
    };
  }

  async storageBytes(key: AttemptKey): Promise<number> {
    return this.#machine.containers.get(keyText(key))?.program.storageBytes ?? 0;
  }

  async outputs(key: AttemptKey): Promise<Outputs> {
    const program = this.#machine.containers.get(keyText(key))?.program;
    const files = Array.from({ length: program?.files ?? 0 }, (_, index) => ({
      path: `file-${index}`,
      sizeBytes: program!.fileBytes,
      async *open() {
        yield Buffer.alloc(program!.fileBytes, `file ${index} `);
      },
    }));
    return { files, skipped: null, overLimit: false };
  }

  async list(): Promise<readonly FoundContainer[]> {
    this.#up();
    return [...this.#machine.containers.values()].map(({ key, id, spec, image, startedAt, exit }) => ({
      key,
      containerId: id,
      spec,
      image,
      startedAt,
      state: exit !== null ? 'exited' : startedAt === null ? 'created' : 'running',
    }));
  }

  async removeLeftovers(): Promise<void> {}

  storagePath(): string | null {
    return null;
  }

  async close(): Promise<void> {
    this.#closed.abort();
  }

  #up(): void {
    if (this.#machine.isDown) throw new Error('the scripted machine is down');
  }
}

/** The text of one line, for tests that compare logs. */
export function scriptedLine(program: Program, line: number): Buffer {
  return Buffer.from(`${`line ${line} `.padEnd(program.lineBytes - 1, '.').slice(0, program.lineBytes - 1)}\n`);
}

function* flush(pieces: Readonly<Record<'stdout' | 'stderr', readonly Buffer[]>>): Generator<LogPiece> {
  for (const stream of STREAM_NAMES) {
    if (pieces[stream].length > 0) yield { stream, data: Buffer.concat(pieces[stream]) };
  }
}

function programOf(spec: RunSpec): Program {
  const script = spec.env.CLOUDAI_SCRIPT;
  const program = script === undefined ? parseProgram(spec.image) : parseOptions(script);
  if (program !== null) return program;
  throw new RuntimeError('image_error', `"${spec.image}" is not a scripted image; write scripted:sleep=100,exit=3`);
}

function missing(wallNow: number): ContainerExit {
  return {
    exitCode: SIGKILL_EXIT,
    oomKilled: false,
    external: true,
    daemonRestart: false,
    startedAt: null,
    endedAt: wallNow,
    error: 'the container is gone',
  };
}

function rejected(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
