import { Page } from '../../components/page.tsx';
export function TopologyPage() {
  return <Page title="Topology">{null}</Page>;
}
