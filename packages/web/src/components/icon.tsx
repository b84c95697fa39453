/** Line icons on a 16 px grid. Always beside a text or inside something with a label, so hidden from screen readers. */
const PATHS = {
  overview: 'M2.5 9.5v4h3v-4zM6.5 5.5v8h3v-8zM10.5 2.5v11h3v-11z',
  tasks: 'M2.5 4h1M2.5 8h1M2.5 12h1M6 4h7.5M6 8h7.5M6 12h7.5',
  submit: 'M8 3v10M3 8h10',
  workers: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01',
  topology: 'M2.5 2.5h4v4h-4zM9.5 2.5h4v4h-4zM2.5 9.5h4v4h-4zM9.5 9.5h4v4h-4z',
  queue: 'M2.5 3.5h11M2.5 8h8M2.5 12.5h5',
  events: 'M8 2.5v5.5l3.5 2M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.7 10.7L14 14',
  sun: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M3.4 12.6l.7-.7M11.9 4.1l.7-.7',
  moon: 'M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7z',
  system: 'M2 3h12v8H2zM6 13.5h4',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  close: 'M4 4l8 8M12 4l-8 8',
  check: 'M3 8.5l3.2 3.2L13 5',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  download: 'M8 2.5v7.5M4.8 7L8 10.2 11.2 7M2.5 13.5h11',
  retry: 'M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3',
  cancel: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM5.7 5.7l4.6 4.6M10.3 5.7l-4.6 4.6',
  edit: 'M10.5 3l2.5 2.5L6 12.5l-3 .5.5-3z',
  drain: 'M8 2.5v6M5 6l3 3 3-3M2.5 10.5v3h11v-3',
  warning: 'M8 2.5L14.5 13.5h-13zM8 6.5v3.2M8 11.6h.01',
  info: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.5v3.3M8 5.2h.01',
  chevron: 'M6 3.5L10.5 8 6 12.5',
  down: 'M3.5 6L8 10.5 12.5 6',
  up: 'M3.5 10L8 5.5l4.5 4.5',
  grip: 'M6 3.5h.01M10 3.5h.01M6 8h.01M10 8h.01M6 12.5h.01M10 12.5h.01',
  play: 'M5 3l8 5-8 5z',
  pause: 'M5.5 3v10M10.5 3v10',
  file: 'M4 2h5l3 3v9H4zM9 2v3h3',
  logout: 'M6.5 2.5h-4v11h4M10 5l3 3-3 3M13 8H6',
  bottom: 'M8 2.5v9M4.5 8L8 11.5 11.5 8M3 13.5h10',
  filter: 'M2.5 3.5h11L9.5 8.5v4l-3-1.5V8.5z',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, className = '' }: { readonly name: IconName; readonly className?: string }) {
  return (
    <svg
      viewBox="0 0 16 16"
      width="16"
      height="16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      className={`shrink-0 ${className}`}
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
