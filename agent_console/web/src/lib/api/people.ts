// Users, teams, sessions, and one's own settings.

import type { components } from "../openapi";
import { request } from "../client";
import type { BrowserSubscription } from "../worker";

type Schemas = components["schemas"];

export type UserRow = Schemas["UserView"];

export type UserDetails = Pick<UserRow, "role" | "name" | "agent" | "teams" | "extension">;

export type Team = Schemas["TeamView"];
export type SessionRow = Schemas["SessionView"];

/** A target as it is shown, or as it is typed: its address is told to nobody once it is kept. */
export type PushTarget = Omit<Schemas["PreferencesView"]["targets"][number], "scheme"> & {
  scheme?: string;
  url?: string;
};

type Typed = Schemas["agent_console__api__notifications__Preferences"]["targets"][number];
export type Notifications = Schemas["PreferencesView"];

export const users = () => request("GET", "/users");
export const addUser = (user: UserDetails & { username: string }) =>
  request("POST", "/users", { body: user });
export const changeUser = (username: string, change: Partial<UserDetails>) =>
  request("PATCH", "/users/{username}", { path: { username }, body: change });
export const removeUser = (username: string) =>
  request("DELETE", "/users/{username}", { path: { username } });
export const makeLink = (username: string) =>
  request("POST", "/users/{username}/link", { path: { username } });
export const teams = () => request("GET", "/teams");
export const putTeam = ({ team, queues, agents }: Team) =>
  request("PUT", "/teams/{team}", { path: { team }, body: { queues, agents } });
export const removeTeam = (team: string) => request("DELETE", "/teams/{team}", { path: { team } });
export const sessions = () => request("GET", "/sessions");
export const endSession = (session: string) =>
  request("DELETE", "/sessions/{session_id}", { path: { session_id: session } });
/** Characters; the server refuses shorter ones. */
export const SHORTEST_PASSWORD = 8;
export const choosePassword = (old: string, chosen: string) =>
  request("POST", "/me/password", { body: { current: old, new: chosen } });
export const notifications = () => request("GET", "/me/notifications");
export const saveNotifications = (targets: Typed[], quiet: Notifications["quiet"]) =>
  request("PUT", "/me/notifications", { body: { targets, quiet } });
export const addBrowser = (name: string, subscription: BrowserSubscription) =>
  request("POST", "/me/notifications/browser", { body: { name, subscription } });
export const removeTarget = (target: string) =>
  request("DELETE", "/me/notifications/{target_id}", { path: { target_id: target } });
export const tryNotifications = () => request("POST", "/me/notifications/test");
