// What can be done about an alert once its call is over: Chinese, English.

type Words = readonly [string, string];

const SAFETY: Words = [
  "立即回拨，确认来电者安全；联系不上时联系120、110前往。",
  "Call back now and make sure the caller is safe; if nobody answers, send 120 or 110.",
];
const CORRECTION: Words = [
  "回拨来电者更正；保存录音，登记投诉单并上报。",
  "Call back and put it right; keep the recording, file a complaint card, report it.",
];
const APOLOGY: Words = [
  "回拨致歉并约定答复时间；登记投诉单，与坐席复盘。",
  "Call back, apologise and name a time for the answer; file a complaint card.",
];

/** By kind; null where the rule itself speaks of afterwards. */
export const AFTER: Readonly<Record<string, Words | null>> = {
  medical_emergency: SAFETY,
  self_harm_risk: SAFETY,
  emergency_not_directed: SAFETY,
  emergency_left_alone: SAFETY,
  violence_threat: [
    "立即通知保卫科，保存录音并上报。",
    "Tell security at once, keep the recording, report it.",
  ],
  red_line: CORRECTION,
  phone_diagnosis: CORRECTION,
  appointment_readback_missing: [
    "回拨核对时间、科室和医生。",
    "Call back to confirm time, department and doctor.",
  ],
  privacy_leak: [
    "保存录音，按隐私事件上报；与坐席复盘。",
    "Keep the recording, file a privacy incident, review it with the agent.",
  ],
  tout_suspected: [
    "保存录音，核查近期通话，报保卫或纪检部门。",
    "Keep the recording, review recent calls, report it.",
  ],
  taboo_phrase: APOLOGY,
  customer_complaint: APOLOGY,
  customer_anger: APOLOGY,
  escalation_threat: APOLOGY,
  call_abandoned: null,
  many_rings: null,
  missing_closing: null,
};

/** Of every other kind. */
export const OTHERWISE: Words = [
  "回放录音，与坐席复盘；需要时回拨或登记投诉单。",
  "Play the recording and review it with the agent; call back or file a card if needed.",
];
