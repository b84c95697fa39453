/** Stands where text will be, so that nothing jumps when it comes. */
export function Skeleton({ className = 'h-4 w-24' }: { readonly className?: string }) {
  return <span aria-hidden="true" className={`shimmer block rounded-sm ${className}`} />;
}

export function SkeletonRows({ rows = 5 }: { readonly rows?: number }) {
  return (
    <div role="status" className="flex flex-col gap-3 p-4">
      <span className="sr-only">Loading</span>
      {Array.from({ length: rows }, (_, index) => (
        <Skeleton key={index} className={`h-4 ${['w-full', 'w-4/5', 'w-11/12'][index % 3]}`} />
      ))}
    </div>
  );
}
