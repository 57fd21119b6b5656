import { describe, expect, it } from "vitest";
import { agentLabel, decimal, duration } from "./format";
import { asrStatus, pbxStatus, rulesError, troubles } from "./health";
import {
  asHeld,
  countBySeverity,
  following,
  gravest,
  inboxOrder,
  loudest,
  type InboxFilter,
} from "./inbox";
import { serverTime } from "./live/clock";
import { newCall } from "./live/events";
import { markTurn } from "./marks";
import { isOver, missing, talkSeconds, waitSeconds } from "./timers";
import type { Alert, Hit, HealthEvent, Leg, Severity, Turn } from "./types";

function alert(id: string, severity: Severity, at: number, more: Partial<Alert> = {}): Alert {
  return {
    alert_id: id,
    call_id: "c",
    queue: "",
    agent: "",
    rule: "",
    kind: "",
    severity,
    role: "agent",
    title: "",
    title_en: "",
    phrase: "",
    start: 0,
    end: 0,
    suspected: false,
    segment_id: "",
    measured: null,
    limit: null,
    unit: "",
    at,
    advice: "",
    advice_en: "",
    advice_after: "",
    advice_after_en: "",
    state: "open",
    acknowledged_by: null,
    acknowledged_at: null,
    assigned_to: "",
    escalation: 1,
    escalated_at: null,
    assigned_at: null,
    version: "",
    verdict: null,
    comments: 0,
    ...more,
  };
}

describe("the inbox", () => {
  const done = { state: "acknowledged" as const, acknowledged_by: "lead" };
  const alerts = [
    alert("old high", "high", 1),
    alert("new high", "high", 2),
    alert("suspected critical", "critical", 3, { suspected: true }),
    alert("low", "low", 4),
    alert("done", "critical", 5, { ...done, acknowledged_at: 9 }),
    alert("done before", "critical", 6, { ...done, acknowledged_at: 8 }),
  ];
  const ALL: InboxFilter = { severity: "all", show: "all" };
  const NONE = new Set<string>();
  const ME = { me: "me", live: NONE };
  const ids = (list: Alert[]) => list.map((item) => item.alert_id);

  it("has open ones first, the gravest on top, the newest of equals", () => {
    expect(ids(inboxOrder(alerts, ALL, ME))).toEqual([
      "suspected critical",
      "new high",
      "old high",
      "low",
      "done",
      "done before",
    ]);
    const flood = Array.from({ length: 300 }, (_, n) => alert(`m${n}`, "medium", 10 + n));
    const open: InboxFilter = { severity: "all", show: "open" };
    const shown = ids(inboxOrder([...alerts, ...flood], open, ME));
    expect(shown.slice(0, 4)).toEqual(["suspected critical", "new high", "old high", "m299"]);
    expect(shown.at(-1)).toBe("low");
    expect(ids(inboxOrder(alerts, { ...ALL, severity: "high" }, ME))).toEqual(["new high", "old high"]);
  });

  it("stays as it was while it is held, and says what has come", () => {
    const held = { ids: ["old high", "low"], provisional: [], filter: ALL };
    const now = [alert("new", "critical", 9), { ...alerts[0]!, ...done }, alerts[3]!];
    const known = new Map(now.map((one) => [one.alert_id, one]));
    const { shown, waiting } = asHeld(inboxOrder(now, ALL, ME), known, held);
    expect(shown.map((one) => [one.alert_id, one.state])).toEqual([
      ["old high", "acknowledged"],
      ["low", "open"],
    ]);
    expect(ids(waiting)).toEqual(["new"]);
    known.delete("low");
    expect(ids(asHeld([], known, held).shown)).toEqual(["old high"]);
    expect(gravest([...alerts, ...now])?.alert_id).toBe("new");
    expect(gravest([])).toBeNull();
  });

  it("shouts the heaviest open one, the one that waited longest of equals", () => {
    expect(loudest(alerts, NONE)?.alert_id).toBe("suspected critical");
    expect(loudest(alerts.slice(0, 2), NONE)?.alert_id).toBe("old high");
    expect(loudest([alert("sure", "critical", 9), ...alerts], NONE)?.alert_id).toBe("sure");
    expect(loudest([alert("m", "medium", 1), alerts[4]!], NONE)).toBeNull();
  });

  it("has calls that can still be saved before those that are over", () => {
    const over = [alert("over", "critical", 1), alert("over too", "high", 8)];
    const still = [alert("still", "high", 2), alert("still a little", "low", 9)].map((one) => ({
      ...one,
      call_id: "on",
    }));
    const around = { me: "me", live: new Set(["on"]) };
    const all = [...over, ...still];
    expect(loudest(all, around.live)?.alert_id).toBe("still");
    expect(loudest([...over, still[1]!], around.live)?.alert_id).toBe("over");
    expect(ids(inboxOrder(all, ALL, around))).toEqual(["over", "still", "over too", "still a little"]);
    const live: InboxFilter = { severity: "all", show: "live" };
    expect(ids(inboxOrder([...all, { ...still[0]!, ...done }], live, around))).toEqual([
      "still",
      "still a little",
    ]);
  });

  it("goes on to the next when one has been dealt with", () => {
    const [first, second, third] = alerts;
    const three = [first!, second!, third!];
    expect(three.map((one) => following(three, one.alert_id))).toEqual([second, third, second]);
    expect(following([first!], first!.alert_id)).toBeNull();
    expect(following(three, "unknown")).toBeNull();
  });

  it("counts open ones", () => {
    expect(countBySeverity(alerts)).toEqual({ critical: 1, high: 2, medium: 0, low: 1, info: 0 });
  });
});

describe("marks", () => {
  const turn: Turn = {
    segment_id: "s",
    role: "agent",
    start: 0,
    end: 1,
    text: "😀你自己不会看吗",
    final: true,
    revision: 0,
    stable: 8,
    confidence: 1,
    unintelligible: false,
  };
  const hit = (more: Partial<Hit>): Hit => ({
    hit_id: "h",
    rule: "r",
    kind: "k",
    severity: "medium",
    role: "agent",
    phrase: "",
    start: 0,
    end: 0,
    suspected: false,
    segment_id: "s",
    span: null,
    ...more,
  });
  const cut = (...hits: Hit[]) =>
    markTurn(turn, hits).map((piece) => [piece.text, piece.hit?.severity ?? null]);

  it("count code points as the server does", () => {
    expect(cut(hit({ span: [4, 7] }))).toEqual([
      ["😀你自己", null],
      ["不会看", "medium"],
      ["吗", null],
    ]);
  });

  it("find the phrase where there is no span, and leave other segments alone", () => {
    expect(cut(hit({ phrase: "不会" }))[1]).toEqual(["不会", "medium"]);
    expect(cut(hit({ phrase: "没有" }))).toEqual([[turn.text, null]]);
    expect(cut(hit({ span: [0, 3], segment_id: "other" }))).toEqual([[turn.text, null]]);
  });

  it("show the heavier of two that overlap, and never leave the text", () => {
    const pieces = cut(hit({ span: [1, 6] }), hit({ span: [4, 99], severity: "critical" }));
    expect(pieces).toEqual([
      ["😀", null],
      ["你自己", "medium"],
      ["不会看吗", "critical"],
    ]);
  });
});

describe("timers", () => {
  const limits = { wait_s: 15, rings: 3, talk_s: 600 };
  const call = newCall("c", "q", 100);

  it("run on the server's clock while the call waits and talks", () => {
    expect(waitSeconds(call, 116)).toBe(16);
    expect(isOver(call, 115, limits).wait).toBe(false);
    expect(isOver(call, 116, limits).wait).toBe(true);
    const talking = { ...call, state: "talking" as const, wait_s: 9, rings: 4, connected_at: 109 };
    expect([waitSeconds(talking, 500), talkSeconds(talking, 119)]).toEqual([9, 10]);
    expect(isOver(talking, 119, limits)).toEqual({ wait: false, rings: true, talk: false });
    const ended = { ...talking, state: "ended" as const, talk_s: null };
    expect(talkSeconds(ended, 999)).toBeNull();
  });

  it("follow a clock that runs faster", () => {
    expect(serverTime({ time: 1000, rate: 8, heardAt: 5000 }, 6000)).toBe(1008);
  });

  it("know what is missing", () => {
    const leg: Leg = {
      leg_id: "l",
      role: "agent",
      opened_at: 0,
      offset_s: 0,
      complete: false,
      reason: "tap_failed",
    };
    expect(missing(call)).toBe("");
    expect(missing({ ...call, legs: [leg] })).toBe("incomplete");
    expect(missing({ ...call, complete: false })).toBe("incomplete_call");
  });
});

describe("words", () => {
  it.each([
    [0, "0:00"],
    [75.9, "1:15"],
    [3675, "1:01:15"],
    [-3, "0:00"],
  ])("%d s are %s", (seconds, text) => expect(duration(seconds)).toBe(text));

  it.each([
    ["PJSIP/1001", "", "1001"],
    ["PJSIP/1001", "李护士", "李护士 1001"],
    ["PJSIP/1001", "PJSIP/1001", "1001"],
  ])("%s, called '%s', is %s", (agent, name, text) => expect(agentLabel(agent, name)).toBe(text));

  it("have at most one decimal", () => expect([decimal(18), decimal(18.26)]).toEqual(["18", "18.3"]));
});

describe("health", () => {
  const health = (...events: object[]) =>
    new Map(events.map((event, n) => [String(n), event as HealthEvent]));

  it("is unknown before anything was heard", () => {
    expect([pbxStatus(health()).tone, asrStatus(health()).tone]).toEqual(["unknown", "unknown"]);
  });

  it("names the worst", () => {
    const up = { type: "pbx_health", up: true };
    const down = { type: "pbx_health", up: false, detail: "refused" };
    expect(pbxStatus(health(up)).word).toBe("up");
    expect(pbxStatus(health(down))).toEqual({ word: "down", tone: "bad", detail: "refused" });
    expect(pbxStatus(health(up, down))).toEqual({ word: "1/2", tone: "bad", detail: "refused" });
    const fast = { type: "asr_health", ready: true, lag_s: 0.4 };
    const slow = { type: "asr_health", ready: true, lag_s: 7.6 };
    const idle = { type: "asr_health", ready: false, lag_s: 0, detail: "loading" };
    expect(asrStatus(health(fast)).word).toBe("ready");
    expect(asrStatus(health(fast, slow))).toMatchObject({ word: "behind", lag: 8 });
    expect(asrStatus(health(fast, idle))).toMatchObject({ word: "loading", detail: "loading" });
    expect(rulesError(health({ type: "rules_loaded", error: "line 3" }))).toBe("line 3");
  });

  it("tells each part that is not well, and of a PBX that is down only that", () => {
    const east = { type: "pbx_health", system: "east", up: false, last_event_at: 90, detail: "lost" };
    const west = { type: "pbx_health", system: "west", up: true, last_event_at: 99, detail: "" };
    const taps = ["east", "west"].map((system) => ({
      type: "tap_health",
      system,
      up: false,
      detail: "",
    }));
    const late = { type: "asr_health", node: "one", ready: true, lag_s: 12, detail: "" };
    expect(troubles(health(west, { ...late, lag_s: 4 }))).toEqual([]);
    expect(troubles(health(east, west, ...taps, late))).toEqual([
      { what: "pbx_down_long", tone: "bad", of: "east", since: 90, detail: "lost" },
      { what: "tap_down_long", tone: "bad", of: "west", since: null, detail: "" },
      { what: "asr_behind_long", tone: "warn", of: "one", since: null, detail: "" },
    ]);
  });
});
