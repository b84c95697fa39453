import { Link } from '@tanstack/react-router';
import { Empty } from '../components/note.tsx';
import { Page } from '../components/page.tsx';

export function NotFoundPage() {
  return (
    <Page title="Not found">
      <Empty icon="search" title="There is no such page">
        The address leads nowhere. Go to the <Link to="/">overview</Link>, or search with Ctrl K.
      </Empty>
    </Page>
  );
}
