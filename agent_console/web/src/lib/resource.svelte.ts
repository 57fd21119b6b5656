// Something fetched: what it is, whether it is on its way, and whether it failed.

import { untrack } from "svelte";
import * as api from "./api";
import type { Key } from "./i18n";
import { LoggedOut } from "./live/connection";
import { session } from "./session.svelte";

export class Resource<T> {
  value = $state.raw<T | null>(null);
  loading = $state(false);
  problem = $state<Key | "">("");
  #turn = 0;

  /** Fetch; an answer that is overtaken by a later call is dropped. */
  async load(work: () => Promise<T>): Promise<T | null> {
    const turn = untrack(() => (this.#turn += 1));
    this.loading = true;
    try {
      const value = await work();
      if (turn !== this.#turn) return null;
      this.value = value;
      this.problem = "";
      return value;
    } catch (error) {
      if (turn !== this.#turn) return null;
      if (error instanceof LoggedOut) session.leave("session_ended");
      else this.problem = api.explain(error) ?? "failed_to_load";
      return null;
    } finally {
      if (turn === this.#turn) this.loading = false;
    }
  }
}
