import { memo } from 'react';
import { type AnsiStyle, parseAnsi } from '../ansi/ansi.ts';
import { logTime, wholeTime } from '../format/time.ts';
import { highlight, type LogSearch } from './highlight.ts';
import type { LogRow } from './log-buffer.ts';

interface LogLineProps {
  readonly row: LogRow;
  readonly search: LogSearch;
  readonly withTime: boolean;
  readonly wrap: boolean;
}

/** Text of a task is only ever text: each span is a text node with classes and colours of our own. */
export const LogLine = memo(function LogLine({ row, search, withTime, wrap }: LogLineProps) {
  if (row.kind === 'note')
    return (
      <div className="flex items-center gap-3 px-4 py-1.5 font-sans text-small text-muted">
        <span className="h-px flex-1 bg-line-strong" />
        <span>{row.text}</span>
        <span className="h-px flex-1 bg-line-strong" />
      </div>
    );
  const spans = highlight(parseAnsi(row.text, row.style).spans, search);
  return (
    <div className={`flex gap-3 px-4 leading-5 ${row.stream === 'stderr' ? 'border-l-2 border-failed pl-3.5' : ''}`}>
      {withTime && (
        <time dateTime={row.at} title={wholeTime(row.at)} className="shrink-0 text-faint select-none">
          {logTime(row.at)}
        </time>
      )}
      <span data-stream={row.stream} className={`min-w-0 ${wrap ? 'break-all whitespace-pre-wrap' : 'whitespace-pre'}`}>
        {row.stream === 'stderr' && <span className="sr-only">stderr: </span>}
        {spans.map(({ text, style, isMatch }, index) =>
          isMatch ? (
            <mark key={index}>{text}</mark>
          ) : (
            <span key={index} className={classOf(style)} style={inlineOf(style)}>
              {text}
            </span>
          ),
        )}
      </span>
    </div>
  );
});

function classOf(style: AnsiStyle): string {
  const [color, background] = style.inverse ? [style.background, style.color] : [style.color, style.background];
  const names: string[] = [];
  if (style.inverse && color === null && background === null) names.push('ansi-inverse');
  if (color !== null && !color.startsWith('#')) names.push(`ansi-${color}`);
  if (background !== null && !background.startsWith('#')) names.push(`ansi-on-${background}`);
  if (style.bold) names.push('font-bold');
  if (style.dim) names.push('text-muted');
  if (style.italic) names.push('italic');
  if (style.underline) names.push('underline');
  return names.join(' ');
}

function inlineOf({ color, background, inverse }: AnsiStyle): { color?: string; backgroundColor?: string } {
  const [front, back] = inverse ? [background, color] : [color, background];
  return {
    ...(front?.startsWith('#') ? { color: front } : {}),
    ...(back?.startsWith('#') ? { backgroundColor: back } : {}),
  };
}
