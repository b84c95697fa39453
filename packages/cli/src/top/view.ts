/** What a person has chosen to see, and what each key makes of that. Pure. */

export const PANES = ['tasks', 'workers', 'queue'] as const;
export type Pane = (typeof PANES)[number];

/** By pane, the first is the usual one. */
export const SORTS = {
  tasks: ['age', 'id', 'state', 'worker', 'cpu', 'memory', 'owner'],
  workers: ['id', 'cpu', 'memory', 'tasks', 'state'],
  queue: ['position', 'waiting', 'priority', 'owner'],
} as const satisfies Readonly<Record<Pane, readonly string[]>>;

export interface TopView {
  readonly pane: Pane;
  /** Index into the orders of the pane. */
  readonly sort: Readonly<Record<Pane, number>>;
  readonly isReversed: boolean;
  /** Rows have to contain it. */
  readonly filter: string;
  /** Keys go into the filter. */
  readonly isTyping: boolean;
  readonly selected: number;
}

export const FIRST_VIEW: TopView = {
  pane: 'tasks',
  sort: { tasks: 0, workers: 0, queue: 0 },
  isReversed: false,
  filter: '',
  isTyping: false,
  selected: 0,
};

const MOST_FILTER = 64;

/** The view after a key, or null: leave. `rows`: how many there are, `page`: how many of them are on the screen. */
export function pressKey(view: TopView, key: string, rows: number, page: number): TopView | null {
  if (key === '\u0003') return null;
  if (view.isTyping) return typeKey(view, key);
  const move = (to: number): TopView => ({ ...view, selected: Math.max(0, Math.min(rows - 1, to)) });
  switch (key) {
    case 'q':
    case 'Q':
      return null;
    case '1':
    case '2':
    case '3':
      return { ...view, pane: PANES[Number(key) - 1]!, selected: 0 };
    case '\t':
    case '\u001b[C':
      return { ...view, pane: neighbour(view.pane, 1), selected: 0 };
    case '\u001b[Z':
    case '\u001b[D':
      return { ...view, pane: neighbour(view.pane, -1), selected: 0 };
    case '\u001b[A':
    case 'k':
      return move(view.selected - 1);
    case '\u001b[B':
    case 'j':
      return move(view.selected + 1);
    case '\u001b[5~':
      return move(view.selected - page);
    case '\u001b[6~':
      return move(view.selected + page);
    case '\u001b[H':
    case '\u001b[1~':
    case 'g':
      return move(0);
    case '\u001b[F':
    case '\u001b[4~':
    case 'G':
      return move(rows - 1);
    case 's': {
      const next = (view.sort[view.pane] + 1) % SORTS[view.pane].length;
      return { ...view, sort: { ...view.sort, [view.pane]: next }, selected: 0 };
    }
    case 'r':
      return { ...view, isReversed: !view.isReversed, selected: 0 };
    case '/':
      return { ...view, isTyping: true };
    case '\u001b':
      return { ...view, filter: '', selected: 0 };
    default:
      return view;
  }
}

function typeKey(view: TopView, key: string): TopView {
  if (key === '\r' || key === '\n') return { ...view, isTyping: false };
  if (key === '\u001b') return { ...view, isTyping: false, filter: '', selected: 0 };
  if (key === '\u007f' || key === '\b') return { ...view, filter: view.filter.slice(0, -1), selected: 0 };
  if (key.length > 2 || key < ' ' || view.filter.length >= MOST_FILTER) return view;
  return { ...view, filter: view.filter + key, selected: 0 };
}

function neighbour(pane: Pane, step: 1 | -1): Pane {
  return PANES[(PANES.indexOf(pane) + step + PANES.length) % PANES.length]!;
}
