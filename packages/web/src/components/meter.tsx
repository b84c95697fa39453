/** How much of something is taken and, inside that, really used. The numbers stand beside it as text. */
interface MeterProps {
  readonly label: string;
  /** 0..1 */
  readonly allocated: number;
  /** 0..1; null where nobody measured. */
  readonly used?: number | null;
  readonly tone?: string;
  readonly className?: string;
}

export function Meter({ label, allocated, used = null, tone = 'text-accent', className = 'h-2' }: MeterProps) {
  return (
    <div
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(clamp(allocated) * 100)}
      className={`relative overflow-hidden rounded-full bg-sunken ring-1 ring-line ring-inset ${tone} ${className}`}
    >
      <div
        className="absolute inset-y-0 left-0 bg-current opacity-35 transition-[width]"
        style={{ width: share(allocated) }}
      />
      {used !== null && (
        <div
          className="absolute inset-y-[25%] left-0 rounded-r-full bg-current transition-[width]"
          style={{ width: share(used) }}
        />
      )}
    </div>
  );
}

function clamp(value: number): number {
  return Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : 0;
}

function share(value: number): string {
  return `${clamp(value) * 100}%`;
}
