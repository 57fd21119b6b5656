// How an alert is felt, by its severity: of the page and of the service worker.

/** Milliseconds of vibration and rest in turn. */
export const VIBRATIONS: Readonly<Record<string, number[]>> = {
  critical: [300, 120, 300, 120, 300, 120, 500],
  high: [250, 120, 250],
  medium: [200],
  low: [100],
};
