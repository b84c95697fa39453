import { Page } from '../../components/page.tsx';
export function SubmitPage() {
  return <Page title="Submit">{null}</Page>;
}
