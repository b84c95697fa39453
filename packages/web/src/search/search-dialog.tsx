export function SearchDialog(_: { readonly onClose: () => void }) {
  return null;
}
