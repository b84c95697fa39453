import { isTerminal, type Task, type TaskId } from './task.ts';
import { isGangMember, mindsOthers } from './terms.ts';

/** Tasks that have not ended, by those of their terms that a pass has to find quickly. */
export class TermIndex {
  /** Tasks that start together, by job. */
  readonly gangs = new Map<string, Set<TaskId>>();
  /** Tasks that say whom they want to be near, or apart from. */
  readonly mindful = new Set<TaskId>();

  /** The task is as it says here from now on. */
  note({ id, jobId, spec, state }: Task): void {
    if (spec.terms === undefined) return;
    const over = isTerminal(state);
    if (mindsOthers(spec)) {
      if (over) this.mindful.delete(id);
      else this.mindful.add(id);
    }
    if (!isGangMember(spec) || jobId === null) return;
    const gang = this.gangs.get(jobId) ?? new Set();
    if (over) gang.delete(id);
    else gang.add(id);
    if (gang.size === 0) this.gangs.delete(jobId);
    else this.gangs.set(jobId, gang);
  }
}
