import { useMutation, useQueryClient } from "@tanstack/react-query";

/** Something that an operator does about a channel: afterwards everything about channels is read again. */
export function useAction() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ call }: { call: () => Promise<string | null> }) => call(),
    onSettled: () => queries.invalidateQueries({ queryKey: ["channels"] }),
  });
}

/** Nobody tells the page of what marketplaces do: it asks. */
export const ASK_AGAIN_MS = 3_000;
