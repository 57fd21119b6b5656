// One call's record while somebody writes it: what was typed is kept, and two writers are told.

import * as api from "./api";
import * as registers from "./api/registers";
import type { CallRecord, Register, RegisterField } from "./api/registers";
import type { Key } from "./i18n";
import { Resource } from "./resource.svelte";
import { session } from "./session.svelte";

const PAUSE_MS = 700;

export class RegisterSheet {
  record = $state<CallRecord | null>(null);
  touched = $state.raw<ReadonlySet<RegisterField>>(new Set());
  /** What has become of what was typed last. */
  status = $state<Key | "">("");
  saved = $state(false);
  /** A draft of an earlier visit was put back. */
  restored = $state(false);
  /** What somebody else has saved meanwhile. */
  conflict = $state.raw<Register | null>(null);
  #found = new Resource<Register>();
  #call = "";
  #version = 0;
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
    const { conflict, record } = this;
    if (!conflict || !record) return [];
    return [...this.touched].filter((field) => conflict.record[field] !== record[field]);
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
    this.#keep(this.#typed());
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
    this.touched = new Set([...this.touched].filter((other) => other !== field));
    if (!this.differing.length) this.conflict = null;
  }

  keepMine(): void {
    this.conflict = null;
  }

  async save(): Promise<void> {
    if (!this.record) return;
    this.#stopTimer();
    // A draft on its way would come after the record that it was typed for.
    await this.#keeping;
    const call = this.#call;
    const sent = registers.save(call, this.record, this.#version);
    const kept = await session.attempt(sent.catch((error: unknown) => this.#overtaken(error)));
    if (!kept || call !== this.#call) return;
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
    this.restored = true;
  }

  #merge(read: Register): void {
    this.record = { ...read.record, ...this.#typed() };
    if (read.version > this.#version) {
      this.#version = read.version;
      this.conflict = read;
      if (!this.differing.length) this.conflict = null;
    }
    this.saved = read.stored && this.touched.size === 0;
  }

  #typed(): Partial<CallRecord> {
    const { record } = this;
    if (!record) return {};
    return Object.fromEntries([...this.touched].map((field) => [field, record[field]]));
  }

  #keep(fields: Partial<CallRecord>): void {
    const [call, version] = [this.#call, this.#version];
    const told = (key: Key | "") => {
      if (call === this.#call) this.status = key;
    };
    const send = () => registers.keepDraft(call, fields, version);
    this.#keeping = this.#keeping.then(send).then(
      () => told(Object.keys(fields).length ? "draft_kept" : ""),
      () => told("draft_failed"),
    );
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Somebody else was faster: theirs is read, and the next save goes over it knowingly. */
  async #overtaken(error: unknown): Promise<null> {
    if (!(error instanceof api.Problem) || error.kind !== "changed_meanwhile") throw error;
    this.touched = this.#changedFields();
    this.#merge(await registers.get(this.#call));
    return null;
  }

  /** All that stands otherwise here than in the record as it was read. */
  #changedFields(): Set<RegisterField> {
    const { form, record } = this;
    const fields = new Set(this.touched);
    if (!form || !record) return fields;
    for (const field of Object.keys(record) as RegisterField[]) {
      if (record[field] !== form.record[field]) fields.add(field);
    }
    return fields;
  }
}
