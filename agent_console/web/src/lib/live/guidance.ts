// What helps with calls in progress: score, script, topic, emotion, sentences to say, muted rules.

import type {
  Emotion,
  EventMessage,
  Guidance,
  Offer,
  Role,
  RunningScore,
  Script,
  Topic,
} from "../types";

type Change = (known: Guidance, event: EventMessage) => Partial<Guidance>;

/** Points of an emotion's course that are kept for its line. */
const COURSE_KEPT = 40;

const score: Change = (_known, event) => ({ score: event as unknown as RunningScore });
const script: Change = (_known, event) => ({ script: event as unknown as Script });
/** When the call is over nothing is next. */
const scriptOver: Change = (_known, event) => ({
  script: { ...(event as unknown as Script), next_step: "" },
});

const CHANGES: Record<string, Change> = {
  running_score: score,
  score,
  script_progress: script,
  script_finished: scriptOver,
  topic_detected: (_known, event) => ({ topic: event as unknown as Topic }),
  emotion_changed(known, event) {
    const role = event["role"] as Role;
    const { scene, score: value, trend } = event as unknown as Emotion;
    const course = [...(known.emotion?.[role]?.course ?? []), value].slice(-COURSE_KEPT);
    return { emotion: { ...known.emotion, [role]: { scene, score: value, trend, course } } };
  },
  empathy_offered(known, event) {
    const offer = event as unknown as Offer;
    if (known.offers?.some((other) => other.offer_id === offer.offer_id)) return {};
    return { offers: [...(known.offers ?? []), { ...offer, used: null, sentence_id: "" }] };
  },
  empathy_used: (known, event) => ({
    offers: (known.offers ?? []).map((offer) =>
      offer.offer_id === event["offer_id"]
        ? {
            ...offer,
            used: event["used"] as boolean,
            sentence_id: event["sentence_id"] as string,
          }
        : offer,
    ),
  }),
  rule_muted(known, event) {
    const rule = event["rule"] as string;
    const others = (known.muted ?? []).filter((other) => other !== rule);
    return { muted: event["muted"] === false ? others : [...others, rule] };
  },
};

/** The guidance of all calls after an event; null when the event is about something else. */
export function withGuidance(
  known: ReadonlyMap<string, Guidance>,
  event: EventMessage,
): ReadonlyMap<string, Guidance> | null {
  const change = CHANGES[event.type];
  const call = event["call_id"];
  if (!change || typeof call !== "string") return null;
  const before = known.get(call) ?? {};
  return new Map(known).set(call, { ...before, ...change(before, event) });
}
