/** The largest page there is. */
const PAGE = 200;

/** Where a page begins, and how much is in it. */
export const at = (cursor: string | undefined) => ({ limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });

/** Reads a list page by page to its end, or as far as there is `most` of it. */
export async function whole<T>(page: (cursor: string | undefined) => Promise<{ items: T[]; next_cursor: string | null }>, most = Infinity): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null | undefined;
  do {
    const next = await page(cursor ?? undefined);
    items.push(...next.items);
    cursor = next.next_cursor;
  } while (cursor && items.length < most);
  return items;
}
