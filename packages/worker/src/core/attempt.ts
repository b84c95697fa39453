/** What the worker knows of an attempt, in its own plain words (the wire's types stay in `wire.ts`). */
export interface AttemptKey {
  readonly taskId: string;
  readonly attempt: number;
}

/** One text per attempt, for maps, file names and log lines. */
export function keyText(key: AttemptKey): string {
  return `${key.taskId}.${key.attempt}`;
}

/** Everything a runtime needs to run one attempt: a closed struct, nothing passes through unseen. */
export interface RunSpec {
  readonly namespace: string;
  readonly owner: string;
  readonly name: string | null;
  readonly image: string;
  /** Digest pinned by an earlier attempt. */
  readonly imageDigest: string | null;
  readonly command:
    | { readonly kind: 'image' }
    | { readonly kind: 'shell'; readonly line: string }
    | { readonly kind: 'exec'; readonly args: readonly string[] };
  readonly entrypoint: readonly string[] | null;
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string | null;
  readonly user: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly storageBytes: number;
  readonly gpus: readonly { readonly index: number; readonly millis: number }[];
  readonly timeoutMs: number | null;
  readonly stopSignal: string | null;
  readonly stopGraceMs: number;
  readonly profile: 'standard' | 'restricted';
  readonly network: 'bridge' | 'none';
  readonly pull: 'always' | 'missing' | 'never';
  readonly logLimitBytes: number;
  /** W3C trace context of the attempt; null or absent where nobody traces. */
  readonly traceparent?: string | null;
  readonly logPolicy: 'truncate' | 'fail';
}

/** The ends that the worker itself can tell apart; `classify.ts` says which is which. */
export type WorkerEndReason =
  | 'exit_zero'
  | 'exit_nonzero'
  | 'oom'
  | 'timeout'
  | 'image_error'
  | 'command_error'
  | 'storage_limit'
  | 'log_limit'
  | 'output_error'
  | 'external'
  | 'daemon_restart'
  | 'start_error';

/** A `WorkerEndReason`, or the reason that came with the master's cancel, which is handed back as it came. */
export type EndReason = string;

/** How an attempt ended, before its logs and files are counted. */
export interface AttemptEnd {
  readonly reason: EndReason;
  readonly exitCode: number | null;
  /** Unix ms. */
  readonly startedAt: number | null;
  readonly endedAt: number;
  /** A child was killed for memory; the main process went on and ended by itself. */
  readonly oomInChild: boolean;
  /** One sentence for people, null when the reason says it all. */
  readonly message: string | null;
}

export interface Artifact {
  /** Relative path below `/output`. */
  readonly path: string;
  readonly sizeBytes: number;
  /** `sha256:<hex>`. */
  readonly digest: string;
}

export interface LogTotals {
  readonly stdout: number;
  readonly stderr: number;
  /** Bytes of both streams that the log limit kept out. */
  readonly dropped: number;
  /** What a reader of the log has to know, e.g. that Docker lost a part of it. */
  readonly message: string | null;
  /** The command could not be run, in the words of the container's init process. */
  readonly commandError: string | null;
}

export interface AttemptResult extends AttemptEnd {
  readonly peakMemoryBytes: number | null;
  /** CPU time used, in thousandths of a CPU second. */
  readonly cpuMillisSeconds: number | null;
  readonly logBytes: { readonly stdout: number; readonly stderr: number; readonly dropped: number };
  readonly artifacts: readonly Artifact[];
}

/** What the master is told about an attempt. */
export type AttemptReport =
  | { readonly phase: 'starting'; readonly progress: string | null }
  | {
      readonly phase: 'running';
      readonly startedAt: number;
      readonly containerId: string;
      readonly imageDigest: string | null;
    }
  /** Its process can not be killed: the task may fail now, the attempt goes on holding what it holds. */
  | { readonly phase: 'stuck'; readonly message: string; readonly at: number }
  | { readonly phase: 'ended'; readonly result: AttemptResult };
