// Alert sounds, made by the browser itself. Each severity has its own pattern.

import type { Severity } from "./types";

/** Tones as [frequency in Hz, start in s, length in s]. */
const PATTERNS: Partial<Record<Severity, [number, number, number][]>> = {
  critical: [
    [880, 0, 0.16],
    [660, 0.2, 0.16],
    [880, 0.4, 0.16],
    [660, 0.6, 0.22],
  ],
  high: [
    [784, 0, 0.16],
    [587, 0.22, 0.22],
  ],
  medium: [[523, 0, 0.18]],
  low: [[440, 0, 0.12]],
};

let context: AudioContext | null = null;

/** Browsers allow sound after a gesture only: call this from a click. */
export async function unlockSound(): Promise<boolean> {
  context ??= new AudioContext();
  await context.resume();
  return context.state === "running";
}

export function playSound(severity: Severity): void {
  const tones = PATTERNS[severity];
  if (!tones || !context || context.state !== "running") return;
  const begin = context.currentTime + 0.02;
  for (const [frequency, start, length] of tones) {
    const oscillator = context.createOscillator();
    const gain = context.createGain();
    oscillator.frequency.value = frequency;
    gain.gain.setValueAtTime(0, begin + start);
    gain.gain.linearRampToValueAtTime(0.18, begin + start + 0.015);
    gain.gain.linearRampToValueAtTime(0, begin + start + length);
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(begin + start);
    oscillator.stop(begin + start + length + 0.02);
  }
}
