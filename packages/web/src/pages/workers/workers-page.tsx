import { Page } from '../../components/page.tsx';
export function WorkersPage() {
  return <Page title="Workers">{null}</Page>;
}
