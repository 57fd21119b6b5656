// Times and names as people read them.

/** 75 → 1:15, 3675 → 1:01:15; below zero counts as zero. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const h = Math.floor(whole / 3600);
  const m = Math.floor((whole % 3600) / 60);
  const s = String(whole % 60).padStart(2, "0");
  return h ? `${h}:${String(m).padStart(2, "0")}:${s}` : `${m}:${s}`;
}

const HAN = /\p{Script=Han}/u;

/** For the attribute `lang` of what the hospital named or somebody said: Chinese on an English page. */
export function langOf(text: string): "zh" | undefined {
  return HAN.test(text) ? "zh" : undefined;
}

/** The hospital's zone; undefined until the server has told: the browser's. */
let zone: string | undefined;

export function setZone(name: string | undefined): void {
  zone = name;
}

function inZone(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  // The hour cycle is the same in both languages so that columns align.
  return new Intl.DateTimeFormat("zh-CN", { hourCycle: "h23", timeZone: zone, ...options });
}

const HMS = { hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;

/** 09:05:03 */
export function timeOfDay(epoch: number): string {
  return inZone(HMS).format(epoch * 1000);
}

/** 11-22 09:05:03, with the year where it is another one. */
export function dateTime(epoch: number, now = Date.now() / 1000): string {
  const day = dayOf(epoch);
  const short = day.slice(0, 4) === dayOf(now).slice(0, 4) ? day.slice(5) : day;
  return `${short} ${timeOfDay(epoch)}`;
}

/** 2026-11-22, the day at the hospital. */
export function dayOf(epoch: number): string {
  const parts = inZone({ year: "numeric", month: "2-digit", day: "2-digit" }).formatToParts(
    epoch * 1000,
  );
  const of = (type: string) => parts.find((part) => part.type === type)?.value ?? "";
  return `${of("year")}-${of("month")}-${of("day")}`;
}

/** When a day (2026-11-22) begins at the hospital, in seconds since the epoch. */
export function dayStart(day: string): number {
  const utc = Date.parse(`${day}T00:00:00Z`) / 1000;
  // The zone's distance from UTC at that time, by what the clock on the wall shows.
  const shown = Date.parse(`${dayOf(utc)}T${timeOfDay(utc)}Z`) / 1000;
  return utc - (shown - utc);
}

/** PJSIP/1001 → 1001; a name that the PBX knows goes first. */
export function agentLabel(agent: string, name: string): string {
  const number = agent.split("/").at(-1) ?? agent;
  return name && name !== agent && name !== number ? `${name} ${number}` : number;
}

/** At most one decimal, none when it is whole. */
export function decimal(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** For an input of type datetime-local: 2026-11-22T17:00, at the hospital. */
export function toLocalInput(epoch: number): string {
  return `${dayOf(epoch)}T${timeOfDay(epoch).slice(0, 5)}`;
}

/** The same back to seconds since the epoch; null when it is empty. */
export function fromLocalInput(text: string): number | null {
  const [day, time] = text.split("T");
  if (!day || !time) return null;
  const [hours, minutes] = time.split(":").map(Number);
  return dayStart(day) + (hours ?? 0) * 3600 + (minutes ?? 0) * 60;
}
