import { describe, expect, it } from "vitest";
import { currentCall } from "./agent";
import { queryText } from "./client";
import { sparkline, waveform } from "./drawing";
import { dateTime, dayOf, dayStart, fromLocalInput, setZone, timeOfDay, toLocalInput } from "./format";
import { untilEscalation } from "./inbox";
import { aim, figure, keeps } from "./kpis";
import { newCall } from "./live/events";
import { homeOf, matchPage, pagesOf } from "./pages";
import { agentTone, floorOf, queueTone, sortAgents } from "./people";
import { missingFields } from "./register";
import { SoundTrack } from "./replay-sound";
import { Replay, Tape } from "./replay.svelte";
import { sortCalls } from "./sorting";
import {
  audibleHits,
  neighbour,
  overlaps,
  rowsOf,
  silences,
  stepsDone,
  talkShare,
  ticks,
} from "./timeline";
import type { CallRecord } from "./api/registers";
import type { AgentState, Alert, Call, QueueState, Role, Turn } from "./types";

function turn(role: Role, start: number, end: number): Turn {
  return {
    segment_id: `${role}${start}`,
    role,
    start,
    end,
    text: "",
    final: true,
    revision: 0,
    stable: 0,
    confidence: 1,
    unintelligible: false,
  };
}

describe("a call's timeline", () => {
  const turns = [turn("agent", 1, 4), turn("customer", 3.2, 6), turn("agent", 15, 16)];

  it("knows where nobody speaks, to the call's end", () => {
    expect(silences(turns, 18)).toEqual([{ start: 6, end: 15 }]);
    expect(silences(turns, 30)[1]).toEqual({ start: 16, end: 30 });
    expect(silences([], 30)).toEqual([]);
  });

  it("knows where both do, short yeses left out", () => {
    expect(overlaps(turns)).toEqual([{ start: 3.2, end: 4 }]);
    expect(overlaps([turn("agent", 0, 2), turn("customer", 1.8, 3)])).toEqual([]);
    expect(overlaps([turn("agent", 0, 9), turn("agent", 1, 2)])).toEqual([]);
  });

  it("shares the talk and marks round times", () => {
    expect(talkShare([turn("agent", 0, 3), turn("customer", 3, 4)])).toEqual({
      agent: 0.75,
      customer: 0.25,
    });
    expect(talkShare([])).toEqual({ agent: 0, customer: 0 });
    expect(ticks(35)).toEqual([0, 5, 10, 15, 20, 25, 30, 35]);
    expect(ticks(610)).toEqual([0, 120, 240, 360, 480, 600]);
  });

  it("names each step that was done once, and findings that can be heard", () => {
    const call = {
      ...newCall("c", "q", 0),
      steps: [
        { step: "a", title: "问候", title_en: "Opening", state: "done", due: 10, done_at: 3 },
        { step: "b", title: "核对", title_en: "Verify", state: "missing", due: 9, done_at: null },
      ],
      script: {
        steps: [
          { step: "a", title: "问候", title_en: "Opening", state: "done", at: 4 },
          { step: "c", title: "安抚", title_en: "Comfort", state: "done", at: 2 },
          { step: "d", title: "结束", title_en: "Closing", state: "missed", at: null },
        ],
      },
      hits: [
        { hit_id: "late", role: "agent", severity: "high", start: 9 },
        { hit_id: "call", role: "call", severity: "high", start: 0 },
        { hit_id: "info", role: "agent", severity: "info", start: 1 },
        { hit_id: "early", role: "customer", severity: "low", start: 5 },
      ],
    } as unknown as Call;
    expect(stepsDone(call)).toEqual([
      { at: 2, title: "安抚", title_en: "Comfort" },
      { at: 3, title: "问候", title_en: "Opening" },
    ]);
    expect(audibleHits(call).map((hit) => hit.hit_id)).toEqual(["early", "late"]);
  });

  it("is gone through from one time to the next, and back", () => {
    const times = [3, 7, 7.1];
    expect([0, 3, 7, 9].map((at) => neighbour(times, at, 1))).toEqual([3, 7, null, null]);
    expect([0, 3, 7, 9].map((at) => neighbour(times, at, -1))).toEqual([null, null, 3, 7.1]);
  });

  it("has labels that stay within and cover none of each other", () => {
    const label = (left: number) => ({ left, width: 60 });
    expect(rowsOf([label(0), label(30), label(61), label(95)], 100)).toEqual([
      { left: 0, row: 0 },
      { left: 30, row: 1 },
      { left: 40, row: 2 },
      { left: 40, row: 3 },
    ]);
    expect(rowsOf([label(0), label(60)], 0).map((place) => place.left)).toEqual([0, 0]);
  });

  it("is drawn", () => {
    expect(sparkline([1, -1], 40, 10)).toBe("0,0 40,10");
    expect(sparkline([0], 40, 10)).toBe("0,5 40,5");
    expect(waveform([1, 0], 10, 4)).toBe("M0,0L5,2L5,2L0,4Z");
    expect(waveform([], 10, 4)).toBe("");
  });
});

describe("times", () => {
  const at = Date.UTC(2026, 10, 22, 16, 30, 5) / 1000;

  it("are the hospital's, wherever the browser is", () => {
    setZone("Asia/Shanghai");
    expect([dayOf(at), timeOfDay(at)]).toEqual(["2026-11-23", "00:30:05"]);
    expect(dateTime(at, at)).toBe("11-23 00:30:05");
    expect(dateTime(at, at + 366 * 86_400)).toBe("2026-11-23 00:30:05");
    setZone("America/New_York");
    expect([dayOf(at), timeOfDay(at)]).toEqual(["2026-11-22", "11:30:05"]);
  });

  it.each(["Asia/Shanghai", "America/New_York", "UTC"])("go there and back in %s", (zone) => {
    setZone(zone);
    expect(timeOfDay(dayStart("2026-11-22"))).toBe("00:00:00");
    expect(dayOf(dayStart("2026-11-22"))).toBe("2026-11-22");
    expect(toLocalInput(fromLocalInput("2026-11-22T17:00")!)).toBe("2026-11-22T17:00");
    expect(fromLocalInput("")).toBeNull();
  });
});

describe("pages", () => {
  it("are found by address, with what stands in it", () => {
    expect(matchPage("/").page?.name).toBe("desk");
    const call = matchPage("/calls/a%20b");
    expect([call.page?.name, call.params["id"]]).toEqual(["call", "a b"]);
    expect(matchPage("/calls").page).toBeNull();
    expect(matchPage("/nowhere").page).toBeNull();
  });

  it("are those of the role, which begins on one of them", () => {
    for (const role of ["agent", "lead", "inspector", "manager", "admin"]) {
      expect(pagesOf(role).map((page) => page.path)).toContain(homeOf(role));
    }
    expect(pagesOf("agent").map((page) => page.name)).not.toContain("desk");
    expect(pagesOf("nobody")).toEqual([]);
  });
});

describe("the floor", () => {
  const queue = (more: Partial<QueueState>): QueueState => ({
    system: "pbx",
    queue: "q",
    waiting: [],
    longest_since: null,
    members: 3,
    available: 1,
    paused: 0,
    ...more,
  });
  const waits = [{ call_id: "c", position: 1, since: 0 }];
  const agent = (more: Partial<AgentState>): AgentState => ({
    system: "pbx",
    agent: "PJSIP/1001",
    name: "",
    state: "available",
    since: 0,
    reason: "",
    queues: [],
    paused_in: [],
    call_id: "",
    missed_in_a_row: 0,
    wrap_up_until: null,
    ...more,
  });

  it.each([
    [queue({}), null, "calm"],
    [queue({ waiting: waits }), 9, "calm"],
    [queue({ waiting: waits }), 11, "amber"],
    [queue({ waiting: waits, available: 0 }), 1, "amber"],
    [queue({ waiting: waits }), 16, "red"],
  ] as const)("shows how a queue is (%#)", (known, waited, tone) => {
    expect(queueTone(known, waited, 15)).toBe(tone);
  });

  it.each([
    [agent({}), "calm"],
    [agent({ missed_in_a_row: 1 }), "amber"],
    [agent({ missed_in_a_row: 3 }), "red"],
    [agent({ state: "wrap_up" }), "amber"],
    [agent({ state: "paused" }), "calm"],
    [agent({ state: "unreachable" }), "amber"],
  ] as const)("shows how an agent is (%#)", (known, tone) => {
    expect(agentTone(known, 100)).toBe(tone);
  });

  it("has those at work first, and counts", () => {
    const agents = [
      agent({ agent: "a", state: "paused" }),
      agent({ agent: "b" }),
      agent({ agent: "c", state: "talking" }),
      agent({ agent: "d", state: "logged_out" }),
    ];
    expect(sortAgents(agents).map((one) => one.agent)).toEqual(["c", "b", "a", "d"]);
    const data = {
      agents: new Map(agents.map((one) => [one.agent, one])),
      queues: new Map([["q", queue({ waiting: waits, longest_since: 40 })]]),
    };
    expect(floorOf(data, 100)).toEqual({
      waiting: 1,
      longest: 60,
      talking: 1,
      free: 1,
      agents: 3,
    });
  });
});

describe("lists of calls", () => {
  const call = (id: string, more: Partial<Call>): Call => ({ ...newCall(id, "q", 0), ...more });
  const a = call("a", { joined_at: 1 });
  const b = call("b", { joined_at: 2, score: { card: "", revision: "", score: 40, items: [], final: false } });
  const c = call("c", {
    joined_at: 3,
    emotions: [{ role: "customer", scene: "angry", score: -0.8, trend: "worsening" }],
  });
  const alert = { call_id: "c", severity: "high", suspected: false } as Alert;
  const order = (by: Parameters<typeof sortCalls>[1]) =>
    sortCalls([a, b, c], by, [alert]).map((one) => one.call_id);

  it("are in the order that is asked for", () => {
    expect(order("attention")).toEqual(["c", "a", "b"]);
    expect(order("longest")).toEqual(["a", "b", "c"]);
    expect(order("newest")).toEqual(["c", "b", "a"]);
    expect(order("score")[0]).toBe("b");
    expect(order("emotion")[0]).toBe("c");
  });

  it("give an agent the one to work on", () => {
    const talking = call("t", { state: "talking", connected_at: 9 });
    const ringing = call("r", { state: "ringing" });
    const over = call("o", { state: "ended", connected_at: 5, ended_at: 8 });
    const lost = call("l", { state: "ended", ended_at: 99 });
    expect(currentCall([over, ringing, talking])?.call_id).toBe("t");
    expect(currentCall([over, ringing])?.call_id).toBe("r");
    expect(currentCall([over, lost])?.call_id).toBe("o");
    expect(currentCall([call("w", {}), lost])).toBeNull();
  });
});

describe("figures", () => {
  it("are written by what they are", () => {
    expect(figure("answer_rate", 0.985)).toBe("98.5%");
    expect(figure("average_speed_of_answer_s", 75.4)).toBe("1:15");
    expect(figure("offered", 12)).toBe("12");
    expect(figure("offered", null)).toBe("–");
    expect(aim("answer_rate", { direction: "at_least", value: 0.98, met: null })).toBe("≥ 98%");
  });

  it("keep their target or not, or nobody knows", () => {
    const most = { direction: "at_most", value: 15, met: null } as const;
    expect(keeps("w", { w: 15 }, most)).toBe(true);
    expect(keeps("w", { w: 16 }, most)).toBe(false);
    expect(keeps("w", { w: null }, most)).toBeNull();
    expect(keeps("w", { w: 1 }, undefined)).toBeNull();
  });
});

describe("what is due", () => {
  const empty: CallRecord = {
    age: null,
    sex: "",
    address: "",
    channel: "",
    topic: "",
    need: "",
    outcome: "",
    first_contact_resolved: null,
    follow_up_due: null,
  };

  it("of a register is what is required and empty, a follow-up's time with the follow-up", () => {
    expect(missingFields({ ...empty, age: 0 }, ["age", "sex"])).toEqual(["sex"]);
    expect(missingFields({ ...empty, first_contact_resolved: false }, ["first_contact_resolved"]))
      .toEqual([]);
    expect(missingFields({ ...empty, outcome: "follow_up" }, ["outcome"])).toEqual([
      "follow_up_due",
    ]);
  });

  it("of an alert is somebody's notice before it goes up", () => {
    const steps = [
      { severity: "critical", after_s: 60, level: 2 },
      { severity: "critical", after_s: 180, level: 3 },
      { severity: "high", after_s: 300, level: 2 },
    ] as const;
    const alert = { state: "open", severity: "high", escalation: 1, at: 100 } as Alert;
    expect(untilEscalation(alert, 130, steps)).toBe(270);
    expect(untilEscalation({ ...alert, severity: "critical" }, 130, steps)).toBe(30);
    expect(untilEscalation({ ...alert, severity: "critical", escalation: 2 }, 170, steps)).toBe(110);
    expect(untilEscalation({ ...alert, escalation: 2 }, 130, steps)).toBeNull();
    expect(untilEscalation({ ...alert, severity: "low" }, 130, steps)).toBeNull();
    expect(untilEscalation({ ...alert, state: "judged" }, 130, steps)).toBeNull();
  });

  it("in an address is what is set", () => {
    expect(queryText({ q: "投诉", from: 0, queue: "", cursor: null })).toBe(
      "?q=%E6%8A%95%E8%AF%89&from=0",
    );
    expect(queryText({})).toBe("");
  });
});

describe("a replay", () => {
  const events = [
    { offset_s: 0, event: { seq: 5, type: "call_joined", at: 10, call_id: "c", queue: "q" } },
    {
      offset_s: 4,
      event: { seq: 6, type: "call_connected", at: 14, call_id: "c", agent: "a", wait_s: 4 },
    },
  ];

  it("shows every moment as it was, forwards and back", () => {
    const tape = new Tape(events);
    const state = (at: number) => [...tape.at(at).calls.values()][0]?.state;
    expect(tape.length).toBe(4);
    expect([state(-1), state(0), state(4), state(3), state(9)]).toEqual([
      undefined,
      "waiting",
      "talking",
      "waiting",
      "talking",
    ]);
  });
});

describe("a replay's sound", () => {
  /** An element that plays at once, and whose time a test moves on. */
  function player(play = () => Promise.resolve()) {
    const element = {
      currentTime: 0,
      paused: true,
      playbackRate: 1,
      play: () => ((element.paused = false), play()),
      pause: () => void (element.paused = true),
    };
    return element;
  }

  it("begins where the recording does, and rests with the replay", () => {
    const heard = player();
    const track = new SoundTrack(heard, 6, 10);
    track.follow(5.9, 1);
    expect([heard.paused, track.position]).toEqual([true, null]);
    track.follow(6.1, 1.5);
    expect([heard.paused, heard.playbackRate]).toEqual([false, 1.5]);
    expect(track.position).toBeCloseTo(6.1);
    track.follow(7, null);
    expect(heard.paused).toBe(true);
    track.follow(16.2, 1);
    expect(heard.paused).toBe(true);
  });

  it("leads where it is heard, and is led by a jump", () => {
    const heard = player();
    const track = new SoundTrack(heard, 6, 10);
    track.follow(7, 1);
    heard.currentTime = 1.3;
    expect(track.position).toBeCloseTo(7.3);
    track.follow(7.1, 1);
    expect(heard.currentTime).toBeCloseTo(1.3);
    track.follow(12, 1);
    expect(heard.currentTime).toBeCloseTo(6);
  });

  it("is silent where nobody could follow it", () => {
    const heard = player();
    const track = new SoundTrack(heard, 0, 10);
    track.follow(1, 4);
    expect(heard.paused).toBe(true);
    track.follow(1, 2);
    expect(heard.paused).toBe(false);
    track.follow(1.2, 8);
    expect(heard.paused).toBe(true);
  });

  it("says that it cannot be played, but not that it was broken off", async () => {
    const told: string[] = [];
    const broken = new DOMException("", "AbortError");
    for (const [name, error] of Object.entries({ broken, refused: new Error() })) {
      const heard = player(() => Promise.reject(error));
      new SoundTrack(heard, 0, 10, () => told.push(name)).follow(1, 1);
      await Promise.resolve();
    }
    await Promise.resolve();
    expect(told).toEqual(["refused"]);
  });

  it("stands on the call's own clock, from the answer on", () => {
    const event = (type: string, offset_s: number) => ({
      offset_s,
      event: { seq: 1, type, at: 100 + offset_s, call_id: "c", queue: "q" },
    });
    expect(new Replay([event("call_joined", 0), event("call_connected", 6)]).answered).toBe(6);
    expect(new Replay([event("call_joined", 0), event("call_ended", 9)]).answered).toBeNull();
  });
});
