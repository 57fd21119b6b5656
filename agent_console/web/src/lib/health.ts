// One word for each part that the page depends on.

import type { AsrHealth, HealthEvent, PbxHealth, RulesLoaded } from "./types";

export interface Status {
  word: string;
  tone: "good" | "warn" | "bad" | "unknown";
  detail: string;
}

const BEHIND_S = 3;

function of<T extends HealthEvent>(health: ReadonlyMap<string, HealthEvent>, type: T["type"]): T[] {
  return [...health.values()].filter((event) => event.type === type) as T[];
}

export function pbxStatus(health: ReadonlyMap<string, HealthEvent>): Status {
  const pbxs = of<PbxHealth>(health, "pbx_health");
  if (!pbxs.length) return { word: "unknown", tone: "unknown", detail: "" };
  const down = pbxs.find((pbx) => !pbx.up);
  if (down) return { word: "down", tone: "bad", detail: down.detail };
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

/** Why the newest rule pack was refused; empty when it was not. */
export function rulesError(health: ReadonlyMap<string, HealthEvent>): string {
  return of<RulesLoaded>(health, "rules_loaded").find((rules) => rules.error)?.error ?? "";
}
