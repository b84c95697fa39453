/**
 * A table of any length: only the rows in sight are in the document. Columns that do not fit are left out by their
 * `from` width. Up, Down, Home, End move between rows, Enter opens one, Space selects it.
 */
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, memo, type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { useWidth } from './use-width.ts';

export interface Column<T> {
  readonly key: string;
  readonly header: ReactNode;
  /** A track of CSS grid: `96px`, `minmax(120px, 1fr)`. */
  readonly track: string;
  /** Shown only when the table is at least this wide, px. */
  readonly from?: number;
  readonly right?: boolean;
  readonly cell: (row: T) => ReactNode;
}

interface DataGridProps<T> {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  readonly onOpen?: (row: T) => void;
  /** With these, rows can be selected. */
  readonly selected?: ReadonlySet<string>;
  readonly onSelect?: (keys: ReadonlySet<string>) => void;
  /** Called when the last rows come into sight. */
  readonly onEnd?: () => void;
  /** In place of rows when there are none. */
  readonly empty?: ReactNode;
  /** Below the last row: that more is on its way. */
  readonly foot?: ReactNode;
  readonly className?: string;
}

const ROW_PX = 40;
const OVERSCAN = 12;
/** So many rows before the end the next page is asked for. */
const AHEAD = 60;

export function DataGrid<T>(props: DataGridProps<T>) {
  const { label, columns, rows, keyOf, onOpen, selected, onSelect, onEnd, empty, foot, className = '' } = props;
  const viewport = useRef<HTMLDivElement>(null);
  const width = useWidth(viewport);
  const [active, setActive] = useState(0);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => viewport.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
    getItemKey: (index) => keyOf(rows[index]!),
  });
  const shown = useMemo(() => columns.filter(({ from = 0 }) => width >= from), [columns, width]);
  const selects = selected !== undefined && onSelect !== undefined;
  const template = `${selects ? '40px ' : ''}${shown.map(({ track }) => track).join(' ')}`;
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? -1;

  useEffect(() => {
    if (onEnd !== undefined && last >= rows.length - AHEAD) onEnd();
  }, [last, rows.length, onEnd]);

  const toggle = (key: string) => {
    if (!selects) return;
    const next = new Set(selected);
    if (!next.delete(key)) next.add(key);
    onSelect(next);
  };
  const goTo = (index: number) => {
    const target = Math.min(rows.length - 1, Math.max(0, index));
    setActive(target);
    virtual.scrollToIndex(target);
    requestAnimationFrame(() => viewport.current?.querySelector<HTMLElement>(`[data-index="${target}"]`)?.focus());
  };
  const onKey = (event: KeyboardEvent, row: T, index: number) => {
    if (event.target !== event.currentTarget) return;
    const moves: Record<string, number> = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: rows.length - 1 };
    const move = moves[event.key];
    if (move !== undefined) goTo(move);
    else if (event.key === 'Enter') onOpen?.(row);
    else if (event.key === ' ' && selects) toggle(keyOf(row));
    else return;
    event.preventDefault();
  };
  // Rows are drawn again when they change, not when the list scrolls: what they call stays the same object.
  const current = useRef({ onKey, onOpen, toggle });
  current.current = { onKey, onOpen, toggle };
  const calls = useMemo<RowCalls<T>>(
    () => ({
      key: (event, row, index) => current.current.onKey(event, row, index),
      open: (row) => current.current.onOpen?.(row),
      toggle: (key) => current.current.toggle(key),
      focus: setActive,
    }),
    [],
  );
  const allSelected = selects && rows.length > 0 && rows.every((row) => selected.has(keyOf(row)));

  return (
    <div
      ref={viewport}
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      aria-multiselectable={selects || undefined}
      className={`overflow-auto rounded-lg border bg-surface ${className}`}
    >
      <div
        role="row"
        aria-rowindex={1}
        className="sticky top-0 z-10 grid h-9 items-center gap-4 border-b bg-surface px-4 text-small font-medium text-muted"
        style={{ gridTemplateColumns: template }}
      >
        {selects && (
          <div role="columnheader">
            <input
              type="checkbox"
              aria-label="Select all rows that are loaded"
              checked={allSelected}
              disabled={rows.length === 0}
              onChange={() => onSelect(allSelected ? new Set() : new Set(rows.map(keyOf)))}
              className="size-4 align-middle accent-accent"
            />
          </div>
        )}
        {shown.map((column) => (
          <div key={column.key} role="columnheader" className={`truncate ${column.right === true ? 'text-right' : ''}`}>
            {column.header}
          </div>
        ))}
      </div>
      {rows.length === 0 ? (
        <div role="row">
          <div role="gridcell">{empty}</div>
        </div>
      ) : (
        <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
          {items.map(({ index, start }) => {
            const row = rows[index]!;
            const key = keyOf(row);
            return (
              <GridRow
                key={key}
                id={key}
                row={row}
                index={index}
                start={start}
                columns={shown}
                template={template}
                isSelected={selects ? selected.has(key) : null}
                isActive={index === Math.min(active, rows.length - 1)}
                opens={onOpen !== undefined}
                calls={calls}
              />
            );
          })}
        </div>
      )}
      {foot}
    </div>
  );
}

interface RowCalls<T> {
  readonly key: (event: KeyboardEvent, row: T, index: number) => void;
  readonly open: (row: T) => void;
  readonly toggle: (key: string) => void;
  readonly focus: (index: number) => void;
}

interface GridRowProps<T> {
  readonly id: string;
  readonly row: T;
  readonly index: number;
  readonly start: number;
  readonly columns: readonly Column<T>[];
  readonly template: string;
  /** null: rows of this table are not selected. */
  readonly isSelected: boolean | null;
  readonly isActive: boolean;
  readonly opens: boolean;
  readonly calls: RowCalls<T>;
}

const GridRow = memo(function GridRow<T>(props: GridRowProps<T>) {
  const { id, row, index, start, columns, template, isSelected, isActive, opens, calls } = props;
  return (
    <div
      role="row"
      data-index={index}
      aria-rowindex={index + 2}
      aria-selected={isSelected ?? undefined}
      tabIndex={isActive ? 0 : -1}
      onFocus={() => calls.focus(index)}
      onKeyDown={(event) => calls.key(event, row, index)}
      onClick={(event) => {
        if (!(event.target as Element).closest('a, button, input, label')) calls.open(row);
      }}
      className={`absolute inset-x-0 grid items-center gap-4 border-b px-4 -outline-offset-2 ${opens ? 'cursor-pointer' : ''} ${isSelected === true ? 'bg-accent-soft' : 'hover:bg-hover'}`}
      style={{ gridTemplateColumns: template, height: ROW_PX, transform: `translateY(${start}px)` }}
    >
      {isSelected !== null && (
        <div role="gridcell">
          <input
            type="checkbox"
            aria-label={`Select ${id}`}
            checked={isSelected}
            onChange={() => calls.toggle(id)}
            className="size-4 align-middle accent-accent"
          />
        </div>
      )}
      {columns.map((column) => (
        <div
          key={column.key}
          role="gridcell"
          className={`min-w-0 truncate ${column.right === true ? 'text-right' : ''}`}
        >
          {column.cell(row)}
        </div>
      ))}
    </div>
  );
}) as <T>(props: GridRowProps<T> & { readonly key?: string }) => ReactNode;
