// Requests of the API: their paths, parameters, bodies and answers are those of the server's own
// OpenAPI, which openapi.d.ts is made from.

import { LoggedOut } from "./live/connection";
import type { paths } from "./openapi";

export const BASE = "/api/v1";

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
type Bare<Path> = Path extends `${typeof BASE}${infer Rest}` ? Rest : never;
type Item<Path extends string> = paths[`${typeof BASE}${Path}` & keyof paths];
type Has<M extends Method, Path extends string> =
  Item<Path> extends Record<Lowercase<M>, object> ? Path : never;
/** The paths that a method can be asked of. */
type Asked<M extends Method> = {
  [Path in Bare<keyof paths>]: Has<M, Path>;
}[Bare<keyof paths>];
type Operation<M extends Method, Path extends string> = Item<Path>[Lowercase<M> &
  keyof Item<Path>];

type Json<Answer> = Answer extends { content: { "application/json": infer Body } } ? Body : void;
export type Answered<M extends Method, Path extends string> =
  Operation<M, Path> extends { responses: infer Answers }
    ? Json<Answers[(200 | 201 | 204) & keyof Answers]>
    : never;

export type Query = Record<string, string | number | boolean | null | undefined>;

type InPath<O> = O extends { parameters: { path: infer Names } } ? { path: Names } : object;
/** What is empty is not sent; the server says which values it takes. */
type InQuery<O> = O extends { parameters: { query?: infer Names } }
  ? { query?: { [Name in keyof Names]?: Query[string] } }
  : object;
/** A field with a default may be left out, which the type made of a schema does not tell. */
type InBody<O> = O extends { requestBody: { content: { "application/json": infer Body } } }
  ? { body: Partial<Body> }
  : object;
type Options<O> = { timeoutMs?: number } & InPath<O> & InQuery<O> & InBody<O>;
type Optional<T> = object extends T ? [options?: T] : [options: T];

/** An answer that is a problem document. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly kind: string,
    readonly retryAfterS: number,
    readonly detail: string,
  ) {
    super(kind);
  }
}

/** Ask the server; throws `Problem` for what it refuses and `LoggedOut` for who is not in. */
export async function request<M extends Method, Path extends Asked<M>>(
  method: M,
  path: Path,
  ...[options]: Optional<Options<Operation<M, Path>>>
): Promise<Answered<M, Path>> {
  const given: { path?: object; query?: Query; body?: unknown; timeoutMs?: number } = options ?? {};
  const init: RequestInit = {
    method,
    signal: AbortSignal.timeout(given.timeoutMs ?? 15_000),
  };
  if (given.body !== undefined) {
    init.body = JSON.stringify(given.body);
    init.headers = { "Content-Type": "application/json" };
  }
  const response = await fetch(address(path, given.path) + queryText(given.query), init);
  if (!response.ok) throw await problem(response);
  return (response.status === 204 ? undefined : await response.json()) as Answered<M, Path>;
}

/** Where something is that is not fetched but linked to: a recording, a file. */
export function address(path: Bare<keyof paths>, values: object = {}): string {
  const known = values as Readonly<Record<string, string>>;
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(known[name] ?? ""),
  );
  return BASE + filled;
}

/** `?a=1&b=2`, without what is not set. */
export function queryText(query: Query = {}): string {
  const set = Object.entries(query).filter(([, v]) => v !== undefined && v !== null && v !== "");
  return set.length ? `?${new URLSearchParams(set.map(([k, v]) => [k, String(v)]))}` : "";
}

async function problem(response: Response): Promise<Error> {
  const document = (await response.json().catch(() => ({}))) as { type?: string; detail?: string };
  const kind = document.type?.split(":").at(-1) ?? "unknown";
  if (kind === "login_required") return new LoggedOut();
  const retryAfter = Number(response.headers.get("Retry-After") ?? 0);
  return new Problem(response.status, kind, retryAfter, document.detail ?? "");
}
