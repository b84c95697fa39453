import {
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from 'react';

export const INPUT =
  'h-8 w-full min-w-0 rounded-md border border-control bg-surface px-2.5 text-ink transition-colors hover:border-muted aria-invalid:border-failed';

interface Frame {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly error?: string | undefined;
  /** The label is for screen readers alone. */
  readonly bare?: boolean;
}

interface FieldProps extends Frame {
  readonly children: (props: {
    id: string;
    'aria-describedby': string | undefined;
    'aria-invalid': boolean;
  }) => ReactNode;
}

/** Label, control, hint and error, tied together. */
export function Field({ label, hint, error, bare = false, children }: FieldProps) {
  const id = useId();
  const text = error ?? hint;
  const noteId = `${id}-note`;
  return (
    <div className="min-w-0">
      <label htmlFor={id} className={bare ? 'sr-only' : 'mb-1 block font-medium'}>
        {label}
      </label>
      {children({
        id,
        'aria-describedby': text === undefined ? undefined : noteId,
        'aria-invalid': error !== undefined,
      })}
      {text !== undefined && (
        <p id={noteId} className={`mt-1 text-small ${error === undefined ? 'text-faint' : 'text-failed'}`}>
          {text}
        </p>
      )}
    </div>
  );
}

type Own<T> = Omit<T, 'children'> & Frame;

export function TextField({
  label,
  hint,
  error,
  bare,
  className = '',
  ...rest
}: Own<InputHTMLAttributes<HTMLInputElement>>) {
  return (
    <Field label={label} hint={hint} error={error} {...(bare === undefined ? {} : { bare })}>
      {(tied) => (
        <input spellCheck={false} autoComplete="off" {...rest} {...tied} className={`${INPUT} ${className}`} />
      )}
    </Field>
  );
}

export function TextArea({
  label,
  hint,
  error,
  bare,
  className = '',
  ...rest
}: Own<TextareaHTMLAttributes<HTMLTextAreaElement>>) {
  return (
    <Field label={label} hint={hint} error={error} {...(bare === undefined ? {} : { bare })}>
      {(tied) => (
        <textarea spellCheck={false} {...rest} {...tied} className={`${INPUT} h-auto py-1.5 font-mono ${className}`} />
      )}
    </Field>
  );
}

interface SelectFieldProps extends Own<SelectHTMLAttributes<HTMLSelectElement>> {
  readonly options: readonly (readonly [value: string, text: string])[];
}

export function SelectField({ label, hint, error, bare, options, className = '', ...rest }: SelectFieldProps) {
  return (
    <Field label={label} hint={hint} error={error} {...(bare === undefined ? {} : { bare })}>
      {(tied) => (
        <select {...rest} {...tied} className={`${INPUT} pr-1 ${className}`}>
          {options.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
