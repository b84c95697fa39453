import type { TaskDetail } from '@cloudai/sdk';
import { stringify } from 'yaml';
import { CopyButton } from '../../components/copy-button.tsx';
import { submissionOf } from '../submit/from-spec.ts';

/** The spec as one would submit it again: `cloudai submit -f` takes the same text. */
export function SpecView({ detail }: { readonly detail: TaskDetail }) {
  const text = stringify(submissionOf(detail));
  return (
    <div className="relative rounded-lg border bg-surface">
      <div className="absolute top-2 right-2">
        <CopyButton text={text} label="Copy the spec" />
      </div>
      <pre
        tabIndex={0}
        aria-label="Spec in YAML"
        role="region"
        className="overflow-x-auto p-4 font-mono text-small leading-5"
      >
        {text}
      </pre>
    </div>
  );
}
