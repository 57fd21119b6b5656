// Times and names as people read them.

/** 75 → 1:15, 3675 → 1:01:15; below zero counts as zero. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const h = Math.floor(whole / 3600);
  const m = Math.floor((whole % 3600) / 60);
  const s = String(whole % 60).padStart(2, "0");
  return h ? `${h}:${String(m).padStart(2, "0")}:${s}` : `${m}:${s}`;
}

/** A time of the day; the hour cycle is the same in both languages so that columns align. */
export function timeOfDay(epoch: number): string {
  return new Date(epoch * 1000).toLocaleTimeString("zh-CN", { hour12: false });
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
