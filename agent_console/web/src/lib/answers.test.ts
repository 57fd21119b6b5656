import { describe, expect, it } from "vitest";
import { answered, differing } from "./answers";
import type { Answer, Item } from "./api/inspections";

function item(change: Partial<Item> = {}): Item {
  return { item: "courtesy", points: 10, automatic: "no", automatic_earned: 6, evidence: [], ...change } as Item;
}

describe("an inspector's answer", () => {
  it("keeps what an automatic no left of the points when it is confirmed", () => {
    expect(answered(item(), "no", null)).toMatchObject({ answer: "no", earned: 6 });
  });

  it.each([
    ["yes", item()],
    ["na", item()],
    ["no", item({ automatic: "yes", automatic_earned: 10 })],
    ["no", item({ automatic: null, automatic_earned: null })],
  ] as const)("%s by itself says nothing of a part", (given, asked) => {
    expect(answered(asked, given, null).earned).toBeNull();
  });

  it("keeps note and evidence of the answer before", () => {
    const before = { item: "courtesy", answer: "yes" as const, segment_id: "s2", note: "礼貌" };
    const evidence = [{ segment_id: "s1" }] as Item["evidence"];
    expect(answered(item({ evidence }), "no", before)).toMatchObject({ segment_id: "s2", note: "礼貌" });
    expect(answered(item({ evidence }), "no", null).segment_id).toBe("s1");
  });
});

describe("answers of two windows", () => {
  const items = ["greeting", "courtesy"].map((name) => item({ item: name }));
  const yes: Answer = { item: "courtesy", answer: "yes", segment_id: "s1", note: "" };

  it.each([
    ["the same", [yes], []],
    ["other evidence for the same", [{ ...yes, segment_id: "s2", earned: null }], []],
    ["another answer", [{ ...yes, answer: "no" as const }], ["courtesy"]],
    ["another note", [{ ...yes, note: "礼貌" }], ["courtesy"]],
    ["other points", [{ ...yes, earned: 3 }], ["courtesy"]],
    ["one answer more", [yes, { ...yes, item: "greeting" }], ["greeting"]],
    ["one answer less", [], ["courtesy"]],
  ])("%s", (_, there, expected) => {
    expect(differing(items, { courtesy: yes }, there).map((one) => one.item)).toEqual(expected);
  });
});
