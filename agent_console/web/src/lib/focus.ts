// Where a keyboard is when what it stood on goes away.

/** The page shows what was done within a batch of events. */
const LONGEST_MS = 1000;

/** Do something; if what has the focus goes away for it, the focus goes on to `next`. */
export async function keepingFocus(
  work: Promise<boolean>,
  next: () => HTMLElement | null | undefined,
): Promise<void> {
  const stood = document.activeElement;
  if (!(await work) || !stood) return;
  const watching = new MutationObserver(goOn);
  const ended = setTimeout(() => watching.disconnect(), LONGEST_MS);
  watching.observe(document.body, { childList: true, subtree: true });
  goOn();

  function goOn(): void {
    if (stood?.isConnected) return;
    clearTimeout(ended);
    watching.disconnect();
    if (document.activeElement === document.body) next()?.focus();
  }
}
