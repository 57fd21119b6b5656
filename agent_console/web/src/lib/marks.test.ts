import { describe, expect, it } from "vitest";
import { cutAt } from "./marks";

describe("cutAt", () => {
  it("marks what was found, counting code points", () => {
    expect(cutAt("😀放心，包治好。", [4, 7])).toEqual([
      { text: "😀放心，", marked: false },
      { text: "包治好", marked: true },
      { text: "。", marked: false },
    ]);
    expect(cutAt("包治好", [0, 3])).toEqual([{ text: "包治好", marked: true }]);
  });

  it("leaves alone what nothing was found in", () => {
    expect(cutAt("那太好了。", null)).toEqual([{ text: "那太好了。", marked: false }]);
    expect(cutAt("", null)).toEqual([]);
  });
});
