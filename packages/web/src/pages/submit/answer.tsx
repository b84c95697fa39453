import type { TaskPreview } from '@cloudai/sdk';
import { Icon } from '../../components/icon.tsx';
import { ErrorNote } from '../../components/note.tsx';
import { counted } from '../../format/count.ts';
import type { Preview } from './use-preview.ts';

interface AnswerProps extends Preview {
  readonly isEmpty: boolean;
}

/** The master's answer before the submit: would it start now, where, and what is in its way. */
export function Answer({ preview, error, isEmpty, isCurrent }: AnswerProps) {
  if (isEmpty) return <p className="text-muted">Name an image, and the answer is here while you write.</p>;
  if (error !== null) return <ErrorNote error={error} />;
  if (preview === undefined) return <p className="text-muted">Asking the master …</p>;
  return (
    <div aria-live="polite" className={isCurrent ? '' : 'opacity-60'} data-testid="answer">
      {preview.error === null ? (
        <Forecast preview={preview} />
      ) : (
        <div className="flex gap-2 text-failed">
          <Icon name="warning" className="mt-0.5" />
          <p>
            It would be refused: <span className="text-ink">{preview.error.message}</span>
          </p>
        </div>
      )}
    </div>
  );
}

const TONE = { now: 'text-completed', later: 'text-queued', never: 'text-failed' } as const;

function Forecast({ preview }: { readonly preview: TaskPreview }) {
  const { wouldStart } = preview;
  if (wouldStart === null) return <p>It would be taken.</p>;
  const { when, worker, summary, advice, workers, placedBy } = wouldStart;
  const free = workers.filter(({ obstacles }) => obstacles.length === 0).length;
  const blocked = workers.filter(({ obstacles }) => obstacles.length > 0);
  return (
    <div className="flex flex-col gap-3">
      <p className={`flex gap-2 font-semibold ${TONE[when]}`}>
        <Icon name={when === 'now' ? 'check' : when === 'later' ? 'events' : 'warning'} className="mt-0.5" />
        {when === 'now'
          ? `It would start now${worker === null ? '' : ` on ${worker}`}.`
          : when === 'later'
            ? 'It would wait.'
            : 'It would never start.'}
      </p>
      {when !== 'now' && <p className="text-muted">{summary}</p>}
      {advice !== null && (
        <p>
          <span className="font-medium">What would help: </span>
          {advice}
        </p>
      )}
      <p className="text-small text-muted">
        {counted(free, 'worker')} of {workers.length} could take it now.
        {placedBy !== null && ` Placed by ${placedBy}.`}
      </p>
      {blocked.length > 0 && (
        <details>
          <summary className="text-small text-muted">
            What stands in the way on {counted(blocked.length, 'worker')}
          </summary>
          <ul className="mt-2 flex max-h-60 flex-col gap-2 overflow-y-auto text-small">
            {blocked.map(({ workerId, obstacles }) => (
              <li key={workerId}>
                <span className="font-medium">{workerId}</span>
                <span className="text-muted"> {obstacles.map(({ message }) => message).join('; ')}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
