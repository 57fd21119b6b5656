// Who is logged in, and what the page has to say about it.

import * as api from "./api";
import type { Key } from "./i18n";
import { live } from "./live.svelte";
import { LoggedOut } from "./live/connection";
import { wished } from "./preferences";
import { settings } from "./settings.svelte";

class Session {
  user = $state.raw<api.User | null>(null);
  notice = $state<Key | "">("");
  /** Somebody chose the page's language before logging in. */
  #spokeFirst = false;

  constructor() {
    live.loggedOut = () => this.leave("session_ended");
    settings.languageChosen = (language) => {
      if (this.user) void this.attempt(api.speak(language));
      else this.#spokeFirst = true;
    };
  }

  enter(user: api.User): void {
    this.user = user;
    this.notice = "";
    // What was chosen at the door is meant; who never chose is taken at the browser's wish, whoever
    // used this browser before.
    const language = this.#spokeFirst
      ? settings.language
      : (user.language ?? wished(navigator.languages));
    this.#spokeFirst = false;
    settings.speak(language);
    if (user.language !== language) void this.attempt(api.speak(language));
    // Nothing else is open before a password is chosen.
    if (!user.choose_password) live.start();
  }

  async logout(): Promise<void> {
    await api.logout().catch(() => undefined);
    this.leave("");
  }

  leave(notice: Key | ""): void {
    live.stop();
    this.user = null;
    this.notice = notice;
  }

  /**
   * Do something on the server. Undefined when it failed: the notice says so then, in the server's
   * own way where the page has words for the problem.
   */
  async attempt<T>(work: Promise<T>, failed: Key = "failed"): Promise<T | undefined> {
    try {
      const done = await work;
      this.notice = "";
      return done;
    } catch (error) {
      if (error instanceof LoggedOut) this.leave("session_ended");
      else this.notice = api.explain(error) ?? failed;
      return undefined;
    }
  }
}

export const session = new Session();
