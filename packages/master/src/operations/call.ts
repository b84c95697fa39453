/** What every operation gets beside its input, and the few steps that all of them share. */
import type { OperationInput, OperationName, OperationOutput, SessionView } from '@cloudai/api/rest';
import type { Accepted, Command, TaskId } from '@cloudai/engine';
import { authorize, type Subject, visibleNamespaces } from '../authorize.ts';
import type { MasterContext } from '../context.ts';
import type { ArchiveDownload, ArtifactDownload } from './artifacts.ts';
import type { LogReading } from './logs.ts';
import { Rejected, rejectedBy } from './rejected.ts';

export interface Call {
  readonly operation: OperationName;
  readonly subject: Subject;
  readonly requestId: string;
  /** A repeat with the same key and body gets the first answer. Submits only. */
  readonly idempotencyKey: string | null;
}

/** A session and its token, which the transport hands over in a way of its own. */
export interface SessionOpened {
  readonly session: SessionView;
  readonly token: string;
  /** Unix ms. */
  readonly expiresAt: number;
}

/** Operations whose answer is more than one object: the transport gives it its form. */
interface OwnOutputs {
  readonly readLogs: LogReading;
  readonly getArtifact: ArtifactDownload;
  readonly getArchive: ArchiveDownload;
  readonly createSession: SessionOpened;
}

export type Output<Name extends OperationName> = Name extends keyof OwnOutputs
  ? OwnOutputs[Name]
  : OperationOutput<Name>;

export type Operation<Name extends OperationName> = (
  call: Call,
  input: OperationInput<Name>,
) => Promise<Output<Name>> | Output<Name>;

export type Operations = { readonly [Name in OperationName]: Operation<Name> };

/** Puts a command to the engine; resolves once what it did is durable. */
export async function submit<Kind extends Accepted['kind']>(
  context: MasterContext,
  command: Command,
  kind: Kind,
): Promise<Extract<Accepted, { kind: Kind }>> {
  const reply = await context.loop.submit(command);
  if (!reply.ok) throw rejectedBy(reply);
  if (reply.kind !== kind) throw new Error(`the engine answered ${reply.kind} to ${command.kind}`);
  return reply as Extract<Accepted, { kind: Kind }>;
}

/** The namespaces that a list is about: the one asked for, or all that the subject may see. */
export function namespacesOf(call: Call, asked: string | undefined): readonly string[] | 'all' {
  const visible = visibleNamespaces(call.subject, call.operation);
  if (asked === undefined) return visible;
  return visible === 'all' || visible.includes(asked) ? [asked] : [];
}

/** Whether the call may see or touch what belongs to this namespace. */
export function mayReach(call: Call, namespace: string | null): boolean {
  return authorize(call.subject, call.operation, namespace) === 'allowed';
}

/** The same words for an id that does not exist and for one that belongs to somebody else. */
export function taskUnknown(id: TaskId): Rejected {
  return new Rejected('task_unknown', `No task has the id ${id}; list tasks to see what there is`, { task: id });
}
