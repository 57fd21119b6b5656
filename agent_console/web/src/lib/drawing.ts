// Numbers to points of an SVG.

/** Points of a line through values −1 to 1, oldest left; a single value is a short line. */
export function sparkline(values: readonly number[], width: number, height: number): string {
  const shown = values.length === 1 ? [values[0]!, values[0]!] : values;
  const step = width / Math.max(1, shown.length - 1);
  return shown
    .map((value, at) => {
      const level = Math.min(1, Math.max(-1, value));
      return `${round(at * step)},${round(((1 - level) / 2) * height)}`;
    })
    .join(" ");
}

/** A filled outline of peaks 0 to 1 around the middle of a lane. */
export function waveform(peaks: readonly number[], width: number, height: number): string {
  if (!peaks.length) return "";
  const middle = height / 2;
  const step = width / peaks.length;
  const upper = peaks.map((peak, at) => `${round(at * step)},${round(middle - peak * middle)}`);
  const lower = peaks.map((peak, at) => `${round(at * step)},${round(middle + peak * middle)}`);
  return `M${upper.join("L")}L${lower.reverse().join("L")}Z`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
