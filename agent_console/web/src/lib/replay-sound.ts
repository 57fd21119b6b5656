// The recording of a call, in step with its replay.

/** Faster speech is not understood: the replay goes on without it. */
export const FASTEST_HEARD = 2;
/** Further apart than this is a jump; less is a browser that takes its time. */
const APART_S = 0.5;

/** What a replay needs of an audio element. */
export type Player = Pick<
  HTMLAudioElement,
  "currentTime" | "paused" | "playbackRate" | "play" | "pause"
>;

export class SoundTrack {
  /**
   * @param player plays the recording.
   * @param begin where the recording begins on the replay's clock, in seconds.
   * @param length of the recording, in seconds.
   * @param failed is called when it cannot be played.
   */
  constructor(
    private readonly player: Player,
    private readonly begin: number,
    private readonly length: number,
    private readonly failed: () => void = () => undefined,
  ) {}

  /** Where the replay stands by what is heard; null while nothing sounds. */
  get position(): number | null {
    return this.player.paused ? null : this.begin + this.player.currentTime;
  }

  /** Let what belongs to a moment of the replay be heard; a null speed is a replay that rests. */
  follow(position: number, speed: number | null): void {
    const at = position - this.begin;
    const sounds = speed !== null && speed <= FASTEST_HEARD && at >= 0 && at < this.length;
    if (!sounds) {
      this.stop();
      return;
    }
    this.player.playbackRate = speed;
    const apart = Math.abs(this.player.currentTime - at) > APART_S;
    if (this.player.paused || apart) this.player.currentTime = at;
    if (this.player.paused) this.#play();
  }

  stop(): void {
    if (!this.player.paused) this.player.pause();
  }

  #play(): void {
    this.player.play().catch((error: unknown) => {
      // Broken off by a pause or a jump: no failure.
      if (!(error instanceof DOMException && error.name === "AbortError")) this.failed();
    });
  }
}
