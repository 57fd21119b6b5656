import { describe, expect, it } from "vitest";
import { allDue, hoursAndMinutes, nextDue } from "./deadlines";
import { changesOf, type Change } from "./difference";
import { plainLine } from "./excerpt";
import { stepped } from "./list-keys";

const HOUR = 3600;

function complaint(change: object = {}) {
  return {
    state: "open",
    opened_at: 0,
    answer_due: 2 * HOUR,
    close_due: 24 * HOUR,
    answered_at: null,
    closed_at: null,
    ...change,
  } as unknown as Parameters<typeof nextDue>[0];
}

describe("a complaint's clock", () => {
  it.each([
    [0, "calm"],
    [1.5 * HOUR, "calm"],
    [1.5 * HOUR + 1, "amber"],
    [2 * HOUR, "amber"],
    [2 * HOUR + 1, "red"],
  ])("after %d s is %s", (now, tone) => {
    expect(nextDue(complaint(), now)).toMatchObject({ what: "answer", tone });
  });

  it("goes on to the end once there was an answer, and stops there", () => {
    const answered = complaint({ state: "answered", answered_at: HOUR });
    expect(nextDue(answered, 2 * HOUR)).toMatchObject({ what: "close", left: 22 * HOUR });
    expect(nextDue(complaint({ answered_at: 1, close_due: null }), 9e9)).toBeNull();
    expect(nextDue(complaint({ state: "closed" }), 9e9)).toBeNull();
  });

  it("is shown for all that has a deadline", () => {
    expect(allDue(complaint(), 0).map((due) => due.what)).toEqual(["answer", "close"]);
    expect(allDue(complaint({ close_due: null }), 0)).toHaveLength(1);
  });

  it.each([
    [1, { h: 0, m: 1 }],
    [60, { h: 0, m: 1 }],
    [3600, { h: 1, m: 0 }],
    [-5401, { h: 1, m: 30 }],
  ])("says %d s in hours and minutes", (seconds, said) => {
    expect(hoursAndMinutes(seconds)).toEqual(said);
  });
});

describe("what changed in a text", () => {
  const kept = (changes: Change[], but: Change["kind"]) =>
    changes
      .filter((change) => change.kind !== but)
      .map((change) => change.text)
      .join("");

  it.each([
    ["", ""],
    ["", "新的"],
    ["在北门", "在东门"],
    ["一\n二\n三", "一\n三"],
    ["一\n二", "一\n二\n三\n"],
    ["电话 8:00\n地址", "地址\n电话 9:00"],
  ])("is told so that both are whole: %j, %j", (before, after) => {
    const changes = changesOf(before, after);
    expect(kept(changes, "added").replace(/\n+/g, "\n").trim()).toBe(before.trim());
    expect(kept(changes, "removed").replace(/\n+/g, "\n").trim()).toBe(after.trim());
  });

  it("is the whole line where little stayed of it", () => {
    expect(changesOf("地下停车场入口在北门", "请停到体育馆")).toEqual([
      { kind: "removed", text: "地下停车场入口在北门" },
      { kind: "added", text: "请停到体育馆" },
    ]);
  });

  it("is a character where only that changed", () => {
    const changes = changesOf("停车\n在北门", "停车\n在东门");
    expect(changes.filter((change) => change.kind !== "same")).toEqual([
      { kind: "removed", text: "北" },
      { kind: "added", text: "东" },
    ]);
  });
});

describe("an article in a list", () => {
  it("shows its words and not its marks", () => {
    const markdown = "## 备案\n\n1. 在**平台**办理\n- [x] 发票\n\n| 窗口 | 时间 |\n|---|:-:|\n| 3 号 | 8:00-17:00 |";
    expect(plainLine(markdown)).toBe("备案 在平台办理 发票 窗口 时间 3 号 8:00-17:00");
    expect(plainLine("")).toBe("");
  });
});

describe("stepping through a list", () => {
  const list = ["a", "b", "c"];
  it.each([
    ["a", 1, "b"],
    ["c", 1, "c"],
    ["a", -1, "a"],
    ["", 1, "a"],
    ["", -1, "c"],
  ])("from %j by %d comes to %j", (from, by, to) => {
    expect(stepped(list, (item) => item === from, by)).toBe(to);
  });

  it("stays nowhere in an empty one", () => {
    expect(stepped([], () => true, 1)).toBeNull();
  });
});
