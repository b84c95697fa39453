/** The one place that says yes or no. Deny by default: what the table does not name is refused. */
import type { OperationName } from '@cloudai/api/rest';
import type { Role } from '@cloudai/engine';
import { AUTHORIZATION } from './authorization-table.ts';

/** Whoever calls, as the token says. Built anew from the engine's rows for every call. */
export interface Subject {
  readonly user: string;
  readonly role: Role;
  /** Exact names; an admin's list is not looked at. */
  readonly namespaces: readonly string[];
  readonly tokenId: string;
}

/**
 * - `allowed`
 * - `forbidden`  the role may not do this at all
 * - `hidden`     the object is in a namespace that the subject may not see: answer as if it did not exist
 */
export type Decision = 'allowed' | 'forbidden' | 'hidden';

/**
 * `namespace` is that of the object, or null when the operation has none yet: then the answer is about the role alone,
 * and whoever asked has to ask again with the namespace of each object, or to filter by `visibleNamespaces`.
 */
export function authorize(subject: Subject, operation: OperationName, namespace: string | null): Decision {
  const row = Object.hasOwn(AUTHORIZATION, operation) ? AUTHORIZATION[operation] : undefined;
  const reach = row !== undefined && Object.hasOwn(row, subject.role) ? row[subject.role] : 'no';
  switch (reach) {
    case 'all':
      return 'allowed';
    case 'own':
      return namespace === null || subject.namespaces.includes(namespace) ? 'allowed' : 'hidden';
    case 'no':
      return 'forbidden';
  }
}

/** The namespaces that lists, searches and counts of this operation are limited to. */
export function visibleNamespaces(subject: Subject, operation: OperationName): readonly string[] | 'all' {
  if (authorize(subject, operation, null) !== 'allowed') return [];
  return AUTHORIZATION[operation][subject.role] === 'all' ? 'all' : subject.namespaces;
}

/** Throws unless the table names exactly the operations that exist. Called at start. */
export function checkAuthorizationTable(operations: readonly string[]): void {
  const missing = operations.filter((name) => !Object.hasOwn(AUTHORIZATION, name));
  const unknown = Object.keys(AUTHORIZATION).filter((name) => !operations.includes(name));
  if (missing.length > 0 || unknown.length > 0)
    throw new Error(
      `authorisation table: missing ${missing.join(', ') || 'none'}, unknown ${unknown.join(', ') || 'none'}`,
    );
}
