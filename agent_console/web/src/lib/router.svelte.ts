// Which page the address names. Links are ordinary links; a click stays within the page.

import { matchPage, type Match } from "./pages";

class Router {
  #path = $state(location.pathname);
  #search = $state(location.search);

  match: Match = $derived(matchPage(this.#path));
  query: URLSearchParams = $derived(new URLSearchParams(this.#search));

  constructor() {
    addEventListener("popstate", () => this.#read());
    addEventListener("click", (event) => this.#clicked(event));
  }

  go(href: string): void {
    if (href !== location.pathname + location.search) history.pushState(null, "", href);
    this.#read();
  }

  /** Change what stands behind `?` without a step in the history: filters, a moment of a call. */
  setQuery(query: URLSearchParams): void {
    const text = query.toString();
    history.replaceState(null, "", location.pathname + (text ? `?${text}` : ""));
    this.#read();
  }

  #read(): void {
    this.#path = location.pathname;
    this.#search = location.search;
  }

  #clicked(event: MouseEvent): void {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) {
      return;
    }
    const link = (event.target as Element).closest?.("a");
    if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) {
      return;
    }
    if (link.pathname.startsWith("/api/")) return;
    event.preventDefault();
    this.go(link.pathname + link.search);
  }
}

export const router = new Router();
