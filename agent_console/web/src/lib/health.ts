// One word for each part that the page depends on.

import type { Key } from "./i18n";
import type { AsrHealth, HealthEvent, PbxHealth, RulesLoaded, TapHealth } from "./types";

export interface Status {
  word: string;
  tone: "good" | "warn" | "bad" | "unknown";
  detail: string;
}

/** Something that does not work, to be told in a line of its own. */
export interface Trouble {
  what: Key;
  tone: "warn" | "bad";
  /** Which PBX or node, in the site's own name. */
  of: string;
  /** When it was last well, in epoch seconds, if that is known. */
  since: number | null;
  detail: string;
}

const BEHIND_S = 3;
/** From here on alerts come too late to help, which a line says and not only the status. */
const FAR_BEHIND_S = 10;

function of<T extends HealthEvent>(health: ReadonlyMap<string, HealthEvent>, type: T["type"]): T[] {
  return [...health.values()].filter((event) => event.type === type) as T[];
}

export function pbxStatus(health: ReadonlyMap<string, HealthEvent>): Status {
  const pbxs = of<PbxHealth>(health, "pbx_health");
  if (!pbxs.length) return { word: "unknown", tone: "unknown", detail: "" };
  const down = pbxs.filter((pbx) => !pbx.up);
  const detail = down[0]?.detail ?? "";
  if (down.length === pbxs.length) return { word: "down", tone: "bad", detail };
  if (down.length) return { word: `${pbxs.length - down.length}/${pbxs.length}`, tone: "bad", detail };
  return { word: "up", tone: "good", detail: "" };
}

export function asrStatus(health: ReadonlyMap<string, HealthEvent>): Status & { lag: number } {
  const nodes = of<AsrHealth>(health, "asr_health");
  const lag = Math.round(Math.max(0, ...nodes.map((node) => node.lag_s)));
  if (!nodes.length) return { word: "unknown", tone: "unknown", detail: "", lag };
  const idle = nodes.find((node) => !node.ready);
  if (idle) return { word: "loading", tone: "warn", detail: idle.detail, lag };
  if (lag >= BEHIND_S) return { word: "behind", tone: "warn", detail: "", lag };
  return { word: "ready", tone: "good", detail: "", lag };
}

/** Each part that is not well: the PBX that is down, the audio that is not tapped, the node. */
export function troubles(health: ReadonlyMap<string, HealthEvent>): Trouble[] {
  const found: Trouble[] = [];
  const down = new Set<string>();
  for (const { system, up, last_event_at, detail } of of<PbxHealth>(health, "pbx_health")) {
    if (up) continue;
    down.add(system);
    found.push({ what: "pbx_down_long", tone: "bad", of: system, since: last_event_at, detail });
  }
  for (const { system, up, detail } of of<TapHealth>(health, "tap_health")) {
    // Without its PBX there is nothing to tap, which was said already.
    if (up || down.has(system)) continue;
    found.push({ what: "tap_down_long", tone: "bad", of: system, since: null, detail });
  }
  for (const { node, ready, lag_s, detail } of of<AsrHealth>(health, "asr_health")) {
    const told = { tone: "warn", of: node, since: null, detail } as const;
    if (!ready) found.push({ ...told, what: "asr_idle_long" });
    else if (lag_s >= FAR_BEHIND_S) found.push({ ...told, what: "asr_behind_long" });
  }
  return found;
}

/** Why the newest rule pack was refused; empty when it was not. */
export function rulesError(health: ReadonlyMap<string, HealthEvent>): string {
  return of<RulesLoaded>(health, "rules_loaded").find((rules) => rules.error)?.error ?? "";
}
