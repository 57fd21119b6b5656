// Keyboard shortcuts: single letters, and G with a digit for a page.

/** Where keys are typed into; a slider has no use for letters. */
const FIELDS = "input:not([type=range]), textarea, select, dialog";

/** Whether a key is a shortcut's: no modifier, nobody typing. */
export function pressedOutsideFields(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.isComposing) return false;
  return !(event.target as HTMLElement).closest(FIELDS);
}

const GOING_MS = 1500;

/** Takes keys; after G the digit 1 to 9 opens the n-th page. Returns whether the key was its own. */
export function goToKeys(go: (at: number) => void): (event: KeyboardEvent) => boolean {
  let since = -Infinity;
  return (event) => {
    if (event.key.toLowerCase() === "g") {
      since = event.timeStamp;
      return true;
    }
    const going = event.timeStamp - since < GOING_MS;
    since = -Infinity;
    if (!going || !/^[1-9]$/.test(event.key)) return false;
    go(Number(event.key) - 1);
    return true;
  };
}
