import { useSearchParams } from "react-router";

/** Filters that stand in the address, so that what one sees can be sent to somebody. */
export function useFilters<const Name extends string>(names: readonly Name[]) {
  const [params, setParams] = useSearchParams();
  const filters = Object.fromEntries(names.flatMap((n) => (params.get(n) ? [[n, params.get(n)!]] : []))) as Partial<Record<Name, string>>;
  const set = (name: Name, value: string | undefined) => setParams((old) => {
    if (value) old.set(name, value);
    else old.delete(name);
    return old;
  });
  return { filters, set, clear: () => setParams({}) };
}
