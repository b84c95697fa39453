import type { TaskSubmission } from '@cloudai/sdk';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { type FormEvent, useEffect, useState } from 'react';
import { Button } from '../../components/button.tsx';
import { ErrorNote } from '../../components/note.tsx';
import { Page } from '../../components/page.tsx';
import { Panel } from '../../components/panel.tsx';
import { SkeletonRows } from '../../components/skeleton.tsx';
import { Tabs } from '../../components/tabs.tsx';
import { tell } from '../../components/toast.tsx';
import { shortId } from '../../format/words.ts';
import { client } from '../../session/client.ts';
import { Answer } from './answer.tsx';
import { type Draft, draftOf, EMPTY_DRAFT, submissionOfDraft } from './draft.ts';
import { submissionOf } from './from-spec.ts';
import { NamespaceChoice } from './namespace-choice.tsx';
import { RecentSpecs } from './recent-specs.tsx';
import { SpecForm } from './spec-form.tsx';
import { usePreview } from './use-preview.ts';
import { parseYaml, YamlEditor, yamlOf } from './yaml-editor.tsx';

const route = getRouteApi('/submit');

export function SubmitPage() {
  const { from } = route.useSearch();
  const origin = useQuery({
    queryKey: ['task', from, 'spec'],
    queryFn: ({ signal }) => client.getTask(from!, { signal }),
    enabled: from !== undefined,
  });
  if (from !== undefined && origin.data === undefined)
    return (
      <Page title="Submit a task">
        {origin.error === null ? <SkeletonRows rows={10} /> : <ErrorNote error={origin.error} />}
      </Page>
    );
  const start = origin.data === undefined ? EMPTY_DRAFT : draftOf(submissionOf(origin.data));
  return (
    <Submit
      key={from ?? 'new'}
      start={start}
      origin={origin.data === undefined ? null : (origin.data.task.name ?? shortId(origin.data.task.id))}
    />
  );
}

function Submit({ start, origin }: { readonly start: Draft; readonly origin: string | null }) {
  const navigate = useNavigate();
  const [draft, setDraft] = useState(start);
  const [tab, setTab] = useState('form');
  const [yaml, setYaml] = useState('');
  const parsed = tab === 'yaml' ? parseYaml(yaml) : null;
  const submission: TaskSubmission | null = parsed === null ? submissionOfDraft(draft) : parsed.submission;
  const [namespace, setNamespace] = useState('');
  const { preview, error: previewError, isCurrent } = usePreview(submission, namespace);
  const submit = useMutation({
    mutationFn: (task: TaskSubmission) => client.submitTask(task, namespace === '' ? {} : { namespace }),
    onSuccess: ({ id }) => {
      tell('Submitted.');
      return navigate({ to: '/tasks/$task', params: { task: id }, search: {} });
    },
  });
  // Whatever was refused may have been mended since.
  const key = JSON.stringify(submission);
  useEffect(() => submit.reset(), [key]);

  const change = (next: string) => {
    if (next === 'yaml') setYaml(yamlOf(submissionOfDraft(draft)));
    else if (parsed?.submission != null) setDraft(draftOf(parsed.submission));
    setTab(next);
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (submission !== null) submit.mutate(submission);
  };
  const fieldError = preview?.error ?? null;
  return (
    <Page
      title="Submit a task"
      lead={
        origin === null
          ? 'One container, one command. What is left out has a default.'
          : `Starts from the spec of ${origin}.`
      }
    >
      <form onSubmit={onSubmit} className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_360px]">
        <div className="min-w-0">
          <Tabs
            label="How to write it"
            tabs={[
              { key: 'form', label: 'Form' },
              { key: 'yaml', label: 'YAML' },
            ]}
            current={tab}
            onChange={change}
          >
            {tab === 'form' ? (
              <SpecForm draft={draft} onChange={setDraft} error={isCurrent ? fieldError : null} />
            ) : (
              <YamlEditor text={yaml} onChange={setYaml} problem={parsed?.problem ?? null} />
            )}
          </Tabs>
        </div>
        <div className="flex flex-col gap-4 lg:sticky lg:top-6">
          <Panel title="What would happen">
            <Answer
              preview={preview}
              error={previewError}
              isEmpty={submission === null || submission.image === ''}
              isCurrent={isCurrent}
            />
            <NamespaceChoice value={namespace} onChange={setNamespace} />
            {submit.error !== null && (
              <div className="mt-4">
                <ErrorNote error={submit.error} />
              </div>
            )}
            <Button
              kind="primary"
              type="submit"
              className="mt-4 w-full"
              busy={submit.isPending}
              disabled={submission === null || submission.image === '' || (isCurrent && fieldError !== null)}
            >
              Submit the task
            </Button>
          </Panel>
          <RecentSpecs
            onChoose={(chosen) => {
              setDraft(draftOf(chosen));
              setYaml(yamlOf(chosen));
            }}
          />
        </div>
      </form>
    </Page>
  );
}
