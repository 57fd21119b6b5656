import { describe, expect, it } from "vitest";
import { adviceAfter } from "./advice";
import { gently } from "./agent";
import { NOTICE } from "./words/notice";
import { AFTER } from "./words/after";
import { GENTLY } from "./words/gently";
import type { Alert } from "./types";

const KINDS = Object.keys(NOTICE).flatMap((key) => (key.startsWith("kind_") ? key.slice(5) : []));
const LIVE = /耳语|强插|插话|监听|whisper|barge|listen|take over|stay on/i;

const alert = (kind: string, more: Partial<Alert> = {}): Alert =>
  ({
    kind,
    advice: "安排回拨。",
    advice_en: "Arrange a call back.",
    advice_after: "",
    advice_after_en: "",
    ...more,
  }) as Alert;

describe("advice once the call is over", () => {
  it.each([...KINDS, "site_rule"])("of %s is nothing that needs the call", (kind) => {
    for (const language of ["zh", "en"] as const) {
      const words = adviceAfter(alert(kind), language);
      expect(words).not.toBe("");
      expect(words).not.toMatch(LIVE);
    }
  });

  it("is what the rule says of it, whatever the kind", () => {
    const said = { advice_after: "上报纪检部门。", advice_after_en: "Tell the discipline office." };
    for (const kind of ["red_line", "call_abandoned", "site_rule"]) {
      expect(adviceAfter(alert(kind, said), "zh")).toBe("上报纪检部门。");
      expect(adviceAfter(alert(kind, said), "en")).toBe("Tell the discipline office.");
    }
  });

  it("is the hospital's own in the other language before it is the kind's", () => {
    const said = alert("red_line", { advice_after: "上报纪检部门。" });
    expect(adviceAfter(said, "en")).toBe("上报纪检部门。");
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
