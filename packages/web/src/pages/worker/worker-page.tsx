import { Page } from '../../components/page.tsx';
export function WorkerPage() {
  return <Page title="Worker">{null}</Page>;
}
