// One's own push targets and this browser among them, as the parts of the page 我的 Me share them.

import * as people from "./api/people";
import { Resource } from "./resource.svelte";
import { session } from "./session.svelte";
import { settings } from "./settings.svelte";
import * as worker from "./worker";

export type Quiet = people.Notifications["quiet"];

export class MyNotifications {
  read = new Resource<people.Notifications>();
  targets = $state<people.PushTarget[]>([]);
  quiet = $state<Quiet>(null);
  trials = $state.raw<ReadonlyMap<string, boolean>>(new Map());
  saved = $state(false);
  /** Whether this browser has a subscription; null until it has said so. */
  subscribed = $state<boolean | null>(null);
  busy = $state(false);

  /** Whether the site lets browsers subscribe; null until the server has said so. */
  allowed = $derived(this.read.value === null ? null : this.read.value.web_push_key !== "");

  /** Read what the server keeps; targets that were typed and not saved yet stay. */
  async load(): Promise<void> {
    const read = await this.read.load(people.notifications);
    this.#take(read, this.targets.filter((target) => !target.target_id));
    const known = await worker.subscription().catch(() => null);
    const mine = this.targets.some((target) => target.target_id === settings.pushTarget);
    // It may be another user's, who was here before.
    this.subscribed = known !== null && mine;
  }

  async save(): Promise<void> {
    const body = this.targets.map(({ target_id, name, url, severities }) => ({
      target_id,
      name,
      url: url ?? "",
      severities,
    }));
    const kept = await session.attempt(people.saveNotifications(body, this.quiet), "bad_target");
    this.#take(kept ?? null, []);
    this.saved = kept !== undefined;
  }

  /** Send a trial to each target; a browser that is gone is no target afterwards. */
  async trial(): Promise<void> {
    const done = await session.attempt(people.tryNotifications());
    if (!done) return;
    this.trials = new Map(done.map((one) => [one.target_id, one.taken]));
    await this.load();
  }

  /** Must be called from a click. */
  async subscribe(): Promise<void> {
    const key = this.read.value?.web_push_key;
    if (!key) return;
    this.busy = true;
    settings.standing = await worker.askLeave();
    if (settings.standing === "granted") {
      const made = await worker.subscribe(key, settings.language).catch(() => null);
      const kept = made && (await session.attempt(people.addBrowser(browserName(), made)));
      if (!made) session.notice = "subscribe_failed";
      if (kept) settings.pushTarget = kept.target_id;
      await this.load();
    }
    this.busy = false;
  }

  async unsubscribe(): Promise<void> {
    this.busy = true;
    await (await worker.subscription())?.unsubscribe();
    await session.attempt(people.removeTarget(settings.pushTarget));
    settings.pushTarget = "";
    await this.load();
    this.busy = false;
  }

  #take(read: people.Notifications | null, unsaved: people.PushTarget[]): void {
    if (!read) return;
    this.targets = [...read.targets.map((target) => ({ ...target })), ...unsaved];
    this.quiet = read.quiet;
  }
}

/** What this browser is called among one's targets. */
function browserName(): string {
  const brands = (navigator as { userAgentData?: { brands: { brand: string }[] } }).userAgentData;
  const named = brands?.brands.find(({ brand }) => !/not.?a.?brand|chromium/i.test(brand))?.brand;
  return (named ?? /(Firefox|Edg|Chrome|Safari)/.exec(navigator.userAgent)?.[1] ?? "").slice(0, 40);
}
