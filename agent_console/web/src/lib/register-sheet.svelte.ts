// One call's record while somebody writes it: what was typed is kept, and two writers are told.

import * as api from "./api";
import * as registers from "./api/registers";
import type { CallRecord, Register, RegisterField } from "./api/registers";
import type { Key } from "./i18n";
import { Resource } from "./resource.svelte";
import { session } from "./session.svelte";

const PAUSE_MS = 700;
const fieldsOf = (record: CallRecord) => Object.keys(record) as RegisterField[];

/** The same record by somebody else, or as oneself has typed it in another window. */
export interface Other {
  record: CallRecord;
  /** What of it they have written. */
  fields: readonly RegisterField[];
  /** Who saved it; empty: nobody yet, it stands in another window of one's own. */
  by: string;
}

export class RegisterSheet {
  record = $state<CallRecord | null>(null);
  touched = $state.raw<ReadonlySet<RegisterField>>(new Set());
  /** What has become of what was typed last. */
  status = $state<Key | "">("");
  saved = $state(false);
  /** A draft of an earlier visit was put back. */
  restored = $state(false);
  conflict = $state.raw<Other | null>(null);
  #found = new Resource<Register>();
  #call = "";
  #version = 0;
  /** The draft that is kept of this call; what was sent for another call knows its own. */
  #draft = { revision: "" };
  #timer: ReturnType<typeof setTimeout> | undefined;
  #keeping: Promise<void> = Promise.resolve();

  get form(): Register | null {
    return this.#found.value?.call_id === this.#call ? this.#found.value : null;
  }

  get problem(): Key | "" {
    return this.#found.problem;
  }

  /** Fields in which the two writers differ. */
  get differing(): RegisterField[] {
    return this.conflict ? this.#differing(this.conflict) : [];
  }

  /** Read a call's record, or read it again: what was typed stays. */
  async read(call: string): Promise<void> {
    if (call !== this.#call) this.#turnTo(call);
    const read = await this.#found.load(() => registers.get(call));
    if (!read || read.call_id !== this.#call) return;
    const first = this.record === null;
    if (first) {
      this.#version = read.version;
      if (read.draft) this.#restore(read.draft);
    }
    this.#merge(read);
  }

  touch(field: RegisterField): void {
    this.touched = new Set(this.touched).add(field);
    this.saved = false;
    this.status = "";
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.keepNow(), PAUSE_MS);
  }

  /** Write a field from elsewhere, on a line of its own. */
  append(field: "need", line: string): void {
    if (!this.record) return;
    this.record[field] = [this.record[field], line].filter(Boolean).join("\n");
    this.touch(field);
  }

  /** Keep what was typed before the pause is over: the page may be about to close. */
  keepNow(): void {
    if (this.#timer === undefined || !this.touched.size) return;
    this.#stopTimer();
    // What stands in the other window is not overwritten before somebody has chosen.
    if (this.conflict?.by === "") this.status = "draft_waits";
    else this.#keep(this.#typed());
  }

  discard(): void {
    this.#stopTimer();
    this.touched = new Set();
    this.restored = false;
    this.conflict = null;
    this.#keep({});
    const form = this.form;
    if (form) this.record = { ...form.record };
  }

  takeTheirs(field: RegisterField): void {
    if (!this.conflict || !this.record) return;
    Object.assign(this.record, { [field]: this.conflict.record[field] });
    // What is saved is theirs; a draft is what was typed, in whichever window.
    if (this.conflict.by) {
      this.touched = new Set([...this.touched].filter((other) => other !== field));
    }
    if (!this.differing.length) this.keepMine();
  }

  keepMine(): void {
    const waited = this.conflict?.by === "";
    this.conflict = null;
    if (waited) this.#keep(this.#typed());
  }

  async save(): Promise<void> {
    if (!this.record) return;
    this.#stopTimer();
    const shown = this.conflict;
    // A draft on its way would come after the record that it was typed for.
    await this.#keeping;
    if (this.conflict && this.conflict !== shown) return;
    const [call, draft] = [this.#call, this.#draft];
    const sent = registers.save(call, this.record, this.#version, draft.revision);
    const kept = await session.attempt(sent.catch((error: unknown) => this.#overtaken(error)));
    if (!kept || call !== this.#call) return;
    draft.revision = "";
    this.#version = kept.version;
    this.touched = new Set();
    this.restored = false;
    this.conflict = null;
    this.status = "";
    this.#merge(kept);
    this.#found.value = kept;
    this.saved = true;
  }

  #turnTo(call: string): void {
    this.keepNow();
    this.#call = call;
    this.#draft = { revision: "" };
    this.record = null;
    this.touched = new Set();
    this.saved = this.restored = false;
    this.conflict = null;
    this.status = "";
  }

  #restore(draft: NonNullable<Register["draft"]>): void {
    this.record = draft.record;
    this.touched = new Set(draft.fields as RegisterField[]);
    this.#version = draft.version;
    this.#draft.revision = draft.revision;
    this.restored = true;
  }

  #merge(read: Register): void {
    this.record = { ...read.record, ...this.#typed() };
    if (read.version > this.#version) {
      this.#version = read.version;
      this.#meet({ record: read.record, fields: fieldsOf(read.record), by: read.by });
    }
    this.saved = read.stored && this.touched.size === 0;
  }

  /** Show what another has written, as far as it differs from what was typed here. */
  #meet(other: Other): void {
    this.conflict = this.#differing(other).length ? other : null;
  }

  #differing({ record: theirs, fields }: Other): RegisterField[] {
    const { record } = this;
    if (!record) return [];
    return fields.filter((field) => this.touched.has(field) && theirs[field] !== record[field]);
  }

  #typed(): Partial<CallRecord> {
    const { record } = this;
    if (!record) return {};
    return Object.fromEntries([...this.touched].map((field) => [field, record[field]]));
  }

  #keep(fields: Partial<CallRecord>): void {
    const [call, version, draft] = [this.#call, this.#version, this.#draft];
    const send = () => registers.keepDraft(call, fields, version, draft.revision);
    const failed = (error: unknown): Key | Promise<Key> =>
      draft === this.#draft && api.overtaken(error) ? this.#typedElsewhere() : "draft_failed";
    this.#keeping = this.#keeping
      .then(send)
      .then(({ revision }): Key | "" => {
        draft.revision = revision;
        return revision ? "draft_kept" : "";
      })
      .catch(failed)
      .catch((): Key => "draft_failed")
      .then((key) => {
        if (draft === this.#draft) this.status = key;
      });
  }

  /** Another window was faster: what it has more is taken over, what differs is to be chosen. */
  async #typedElsewhere(): Promise<Key> {
    const read = await registers.get(this.#call);
    this.#draft.revision = read.draft?.revision ?? "";
    this.#merge(read);
    if (read.draft && this.record) {
      const { record } = read.draft;
      const fields = read.draft.fields as RegisterField[];
      const more = fields.filter((field) => !this.touched.has(field));
      Object.assign(this.record, Object.fromEntries(more.map((field) => [field, record[field]])));
      this.touched = new Set([...this.touched, ...more]);
      this.#meet({ record, fields, by: "" });
    }
    if (this.conflict?.by === "") return "draft_waits";
    const typed = this.#typed();
    const kept = await registers.keepDraft(this.#call, typed, this.#version, this.#draft.revision);
    this.#draft.revision = kept.revision;
    return "draft_kept";
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Somebody else was faster: theirs is read, and the next save goes over it knowingly. */
  async #overtaken(error: unknown): Promise<null> {
    if (!api.overtaken(error)) throw error;
    this.touched = this.#changedFields();
    this.#merge(await registers.get(this.#call));
    return null;
  }

  /** All that stands otherwise here than in the record as it was read. */
  #changedFields(): Set<RegisterField> {
    const { form, record } = this;
    const fields = new Set(this.touched);
    if (!form || !record) return fields;
    for (const field of fieldsOf(record)) {
      if (record[field] !== form.record[field]) fields.add(field);
    }
    return fields;
  }
}
