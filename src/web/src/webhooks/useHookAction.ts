import { useMutation, useQueryClient } from "@tanstack/react-query";

/** Nobody tells the page what endpoints answer: it asks. */
export const ASK_AGAIN_MS = 3_000;

/** Something that is done about webhooks: afterwards everything about them is read again. What is answered may be a secret, so it is kept no longer than it is shown. */
export function useHookAction<In, Out>(call: (input: In) => Promise<Out>) {
  const queries = useQueryClient();
  return useMutation({ mutationFn: call, gcTime: 0, onSettled: () => queries.invalidateQueries({ queryKey: ["webhooks"] }) });
}
