/** Many tasks at once: by id, or all that a filter finds. Each has an outcome of its own. */
import { type Static, Type } from 'typebox';
import { TaskStateView } from './task.ts';

const Listed = (description: string) => Type.Optional(Type.String({ maxLength: 1024, description }));
const Moment = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 40, description }));

/** What a task has to be to be listed; everything that is given has to hold. */
export const TASK_FILTER = {
  namespace: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'Name of a namespace.' })),
  state: Listed('States, separated by commas.'),
  reason: Listed('Reasons of ended tasks, separated by commas.'),
  owner: Listed('Name of the user who submitted.'),
  worker: Listed('Tasks with an attempt on this worker.'),
  job: Listed('Id of a job.'),
  name: Listed('Name of the task.'),
  image: Listed('Image as it was written at submit.'),
  label: Listed('`key=value` pairs, separated by commas; all have to match.'),
  id: Listed('First characters of the id.'),
  q: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 256,
      description: 'First characters of the id, or a part of name or image, in upper or lower case.',
    }),
  ),
  submittedAfter: Moment('Submitted at this time (ISO 8601) or later, or within this duration (`2h`).'),
  submittedBefore: Moment('Submitted before this time, or longer ago than this duration.'),
} as const;

export const TaskSelection = Type.Object(
  {
    ids: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
        minItems: 1,
        maxItems: 1000,
        description: 'Ids of tasks, or first characters of them.',
      }),
    ),
    filter: Type.Optional(
      Type.Object(TASK_FILTER, { additionalProperties: false, minProperties: 1, description: 'As of the task list.' }),
    ),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1000, default: 1000, description: 'Most tasks that the filter takes.' }),
    ),
    message: Type.Optional(Type.String({ maxLength: 512, description: 'Why, for the record. Of a cancel.' })),
    dryRun: Type.Optional(Type.Boolean({ description: 'Only say what would be taken.' })),
  },
  { additionalProperties: false, $id: 'TaskSelection', description: 'Either `ids` or `filter`.' },
);
export type TaskSelection = Static<typeof TaskSelection>;

export const BulkResult = Type.Object(
  {
    items: Type.Array(
      Type.Object({
        task: Type.String({ description: 'As it was asked for.' }),
        outcome: Type.Enum(['done', 'unchanged', 'refused', 'would'], {
          description: '`unchanged`: it had ended already. `would`: it is what a dry run found.',
        }),
        state: Type.Union([TaskStateView, Type.Null()], { description: 'Of the task as it is now.' }),
        newTask: Type.Union([Type.String(), Type.Null()], { description: 'The task that a retry made.' }),
        error: Type.Union([Type.Object({ code: Type.String(), message: Type.String() }), Type.Null()]),
      }),
    ),
    done: Type.Integer(),
    unchanged: Type.Integer(),
    refused: Type.Integer(),
    more: Type.Boolean({ description: 'The filter finds more than were taken: ask again.' }),
  },
  { $id: 'BulkResult' },
);
export type BulkResult = Static<typeof BulkResult>;
