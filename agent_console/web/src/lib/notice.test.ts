import { describe, expect, it } from "vitest";
import { factsOf, shownOf, type Facts } from "./notice";
import { wished } from "./preferences";

const ALERT: Facts = {
  subject: "alert",
  id: "a/1",
  kind: "medical_emergency",
  severity: "critical",
  level: 0,
};

describe("a notification", () => {
  it("says what it is, how severe, and where a click leads", () => {
    expect(shownOf(ALERT, "zh")).toMatchObject({
      title: "听诊 · 告警 · 紧急",
      body: "医疗急症\na/1",
      tag: "a/1",
      path: "/watch?alert=a%2F1",
      stays: true,
    });
    expect(shownOf({ ...ALERT, severity: "medium", level: 2 }, "en")).toMatchObject({
      title: "Tingzhen · Alert · medium · escalation 2",
      body: "Medical emergency\na/1",
      stays: false,
    });
  });

  it.each([
    ["complaint", "/complaints/c-1"],
    ["service", "/wallboard?alert=c-1"],
    ["something new", "/"],
  ])("of a %s leads to %s", (subject, path) => {
    expect(shownOf({ ...ALERT, subject, id: "c-1" }, "zh").path).toBe(path);
  });

  it("names a kind that it has no words for by its own name", () => {
    expect(shownOf({ ...ALERT, kind: "site_rule" }, "zh").body).toBe("site_rule\na/1");
  });

  it("is felt in another way for each severity", () => {
    const felt = ["critical", "high", "medium", "low", "info"].map((severity) =>
      String(shownOf({ ...ALERT, severity }, "zh").vibrate),
    );
    expect(new Set(felt).size).toBe(5);
  });

  it("is there even when the push cannot be read", () => {
    for (const text of ["", "null", "[]", "{", '"x"', '{"subject":1,"id":"a"}', '{"id":"a"}']) {
      expect(factsOf(text)).toBeNull();
    }
    expect(shownOf(null, "en")).toMatchObject({ title: "Tingzhen", path: "/" });
  });

  it("reads what the server sends and lets nothing else through", () => {
    const sent = JSON.stringify({ ...ALERT, words: "你自己不会看吗" });
    expect(factsOf(sent)).toEqual(ALERT);
    expect(JSON.stringify(shownOf(factsOf(sent), "zh"))).not.toContain("不会看");
  });
});

describe("the language before anybody has logged in", () => {
  it.each([
    [["zh-CN", "en"], "zh"],
    [["en-GB", "zh"], "en"],
    [["fr", "de", "en-US"], "en"],
    [["fr"], "zh"],
    [[], "zh"],
    [["english"], "zh"],
  ] as const)("%j is %s", (languages, language) => {
    expect(wished(languages)).toBe(language);
  });
});
