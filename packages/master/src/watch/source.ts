/** One subscription: what it has to tell, pulled as fast as its reader takes it. */
import type { WatchMessage } from '@cloudai/api/watch';
import type { Subject } from '../authorize.ts';
import type { MasterContext } from '../context.ts';
import type { OperationsLayer } from '../operations/index.ts';
import type { Feed } from './feed.ts';
import type { SampleFeed } from './sample-feed.ts';
import type { SharedTexts } from './shared-texts.ts';

/** The reader's end, as one subscription sees it. */
export interface Outlet {
  /** False: stop, and go on when `pump` is called again. */
  hasRoom(): boolean;
  /** `rest` is the message behind its kind and id: `"sequence":7,...}`. */
  send(kind: WatchMessage['kind'], rest: string): void;
  /** Calls `pump` soon: something has come that nobody else knows of. */
  wake(): void;
  /** There is nothing left to tell. The source has been closed when it returns. */
  end(): void;
  /** It can not go on. The source has been closed when it returns. */
  fail(error: unknown): void;
}

export interface Source {
  /** Where it begins; for topics without a sequence, now. */
  readonly sequence: number;
  /** Sends what there is, as long as there is room. Called after commits, and when there is room again. */
  pump(): void;
  /** Called a few times a second. */
  tick?(now: number): void;
  close(): void;
}

/** What sources have in common. */
export interface SourceParts {
  readonly context: MasterContext;
  readonly operations: OperationsLayer;
  readonly feed: Feed;
  readonly samples: SampleFeed;
  readonly shared: SharedTexts;
  readonly subject: Subject;
  readonly outlet: Outlet;
}

/** How far a source looks for something to send before others have their turn. */
export const MOST_SCANNED = 2_000;

/** So many events may pass before a reader whom none of them concerned is told how far it is. */
export const SYNC_EVERY = 1_000;

/** What two readers have to have in common for the same text to be right for both. */
export function visibilityOf({ role, namespaces }: Subject): string {
  return JSON.stringify([role, role === 'admin' ? [] : namespaces]);
}
