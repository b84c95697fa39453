import type { ReactNode } from 'react';
export function LiveUpdates({ children }: { readonly children: ReactNode }) {
  return children;
}
