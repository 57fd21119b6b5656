// What is told aloud, each thing once: what was told while it was provisional is not told again.

import { breaksIn } from "../inbox";
import type { Alert, EventMessage, Message, ProvisionalAlert } from "../types";
import type { LiveData } from "./reducer";

export type News =
  | { what: "new" | "confirmed"; about: Alert }
  | { what: "provisional" | "withdrawn"; about: ProvisionalAlert };

/** Of some it is never said what became of them: the link was down. */
const MOST_KEPT = 100;

export class Teller {
  #told = new Map<string, ProvisionalAlert>();

  /**
   * What of a batch of messages is to be told; what was settled within it is told as it stands.
   * `early`: whether somebody sees what is provisional, so that it may be told at all.
   */
  tell(messages: readonly Message[], before: LiveData, after: LiveData, early: boolean): News[] {
    const news = new Map<string, News>();
    for (const message of messages) {
      const one = this.#newsOf(message as EventMessage, before, after, early);
      if (one) news.set(one.about.alert_id, one);
    }
    return [...news.values()];
  }

  #newsOf(event: EventMessage, before: LiveData, after: LiveData, early: boolean): News | null {
    const id = event["alert_id"] as string;
    if (event.type === "alert") {
      const about = after.alerts.get(id);
      // Those of a snapshot are not news; one that was missed while away is.
      if (!about || before.alerts.has(id)) return null;
      return { what: this.#told.delete(event["confirms"] as string) ? "confirmed" : "new", about };
    }
    if (event.type === "alert_withdrawn") {
      const about = this.#told.get(id);
      this.#told.delete(id);
      return about ? { what: "withdrawn", about } : null;
    }
    const about = event.type === "provisional_alert" && after.provisional.get(id);
    if (!about || !early || about.outcome || !breaksIn(about) || this.#told.has(id)) return null;
    this.#told.set(id, about);
    for (const old of [...this.#told.keys()].slice(0, -MOST_KEPT)) this.#told.delete(old);
    return { what: "provisional", about };
  }
}
