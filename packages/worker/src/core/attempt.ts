/** What the worker knows of an attempt, in its own plain words (the wire's types stay in `session.ts`). */
export interface AttemptKey {
  readonly taskId: string;
  readonly attempt: number;
}

/** Everything a runtime needs to run one attempt: a closed struct, nothing passes through unseen. */
export interface RunSpec {
  readonly namespace: string;
  readonly owner: string;
  readonly name: string | null;
  readonly image: string;
  /** Digest pinned by an earlier attempt. */
  readonly imageDigest: string | null;
  readonly command: { readonly kind: 'image' } | { readonly kind: 'shell'; readonly line: string } | { readonly kind: 'exec'; readonly args: readonly string[] };
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
  readonly logPolicy: 'truncate' | 'fail';
}
