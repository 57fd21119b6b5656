// Reads again from time to time, while the page is looked at.

/** Run `read` this often while the window is seen, and when it is seen again. Returns the end. */
export function every(ms: number, read: () => void): () => void {
  const seen = () => {
    if (!document.hidden) read();
  };
  const timer = setInterval(seen, ms);
  document.addEventListener("visibilitychange", seen);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", seen);
  };
}
