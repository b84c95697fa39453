/** The mark of the product, as in `public/favicon.svg`; drawn here so that it is there before any request. */
export function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true" className="shrink-0">
      <rect width="32" height="32" rx="8" fill="#3b5bdb" />
      <path d="M9 11.5h14M9 16h9M9 20.5h5" stroke="#fff" strokeWidth="2.6" strokeLinecap="round" />
      <circle cx="22.5" cy="20.5" r="2.4" fill="#8ff0c0" />
    </svg>
  );
}
