/** Works on some at once until all are done or someone says stop; what is under way is always finished. */
export async function inParallel<Item>(
  items: readonly Item[],
  { atOnce, signal }: { atOnce: number; signal: AbortSignal },
  work: (item: Item) => Promise<unknown>,
): Promise<void> {
  const queue = items.values();
  let failure: unknown;
  const worker = async () => {
    for (const item of queue) {
      if (signal.aborted || failure) return;
      await work(item).catch((error) => {
        failure ??= error;
      });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  if (failure) throw failure;
}
