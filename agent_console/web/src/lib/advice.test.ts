import { describe, expect, it } from "vitest";
import { adviceAfter } from "./advice";
import { gently } from "./agent";
import { NOTICE } from "./words/notice";
import { AFTER } from "./words/after";
import { GENTLY } from "./words/gently";
import type { Alert } from "./types";

const KINDS = Object.keys(NOTICE).flatMap((key) => (key.startsWith("kind_") ? key.slice(5) : []));
const LIVE = /耳语|强插|插话|监听|whisper|barge|listen|take over|stay on/i;

const alert = (kind: string): Alert =>
  ({ kind, advice: "安排回拨。", advice_en: "Arrange a call back." }) as Alert;

describe("advice once the call is over", () => {
  it.each([...KINDS, "site_rule"])("of %s is nothing that needs the call", (kind) => {
    for (const language of ["zh", "en"] as const) {
      const words = adviceAfter(alert(kind), language);
      expect(words).not.toBe("");
      expect(words).not.toMatch(LIVE);
    }
  });

  it("is the rule's own where that speaks of afterwards", () => {
    expect(adviceAfter(alert("call_abandoned"), "en")).toBe("Arrange a call back.");
  });

  it("knows no kind that there is not", () => {
    expect([...Object.keys(AFTER), ...Object.keys(GENTLY)].filter((k) => !KINDS.includes(k))).toEqual([]);
  });
});

describe("what an agent is told of an alert", () => {
  it("is said to the agent, never what its rule tells the lead", () => {
    expect(gently("taboo_phrase", "zh")).toContain("致歉");
    expect(gently("site_rule", "en")).toBe("");
  });
});
