// Users, teams, sessions, and one's own settings.

import type { components } from "../openapi";
import { request } from "../api";
import type { Severity } from "../types";

type Schemas = components["schemas"];

const id = encodeURIComponent;

export type UserRow = Schemas["UserView"];

export interface UserDetails {
  role: string;
  name: string;
  agent: string;
  teams: string[];
  extension: string;
}

export type Team = Schemas["TeamView"];
export type SessionRow = Schemas["SessionView"];

export interface PushTarget {
  target_id: string;
  name: string;
  scheme?: string;
  url?: string;
  severities: Severity[];
}

export type Notifications = Schemas["PreferencesView"];

export const users = () => request<UserRow[]>("GET", "/users");
export const addUser = (user: UserDetails & { username: string }) =>
  request<UserRow>("POST", "/users", { body: user });
export const changeUser = (username: string, change: Partial<UserDetails>) =>
  request<UserRow>("PATCH", `/users/${id(username)}`, { body: change });
export const removeUser = (username: string) => request<void>("DELETE", `/users/${id(username)}`);
export const makeLink = (username: string) =>
  request<{ path: string; expires_in_s: number }>("POST", `/users/${id(username)}/link`);
export const teams = () => request<Team[]>("GET", "/teams");
export const putTeam = ({ team, queues, agents }: Team) =>
  request<Team>("PUT", `/teams/${id(team)}`, { body: { queues, agents } });
export const removeTeam = (team: string) => request<void>("DELETE", `/teams/${id(team)}`);
export const sessions = () => request<SessionRow[]>("GET", "/sessions");
export const endSession = (session: string) => request<void>("DELETE", `/sessions/${id(session)}`);
export const choosePassword = (old: string, chosen: string) =>
  request<void>("POST", "/me/password", { body: { current: old, new: chosen } });
export const notifications = () => request<Notifications>("GET", "/me/notifications");
export const saveNotifications = (targets: PushTarget[], quiet: Notifications["quiet"]) =>
  request<Notifications>("PUT", "/me/notifications", { body: { targets, quiet } });
export const tryNotifications = () =>
  request<{ target_id: string; taken: boolean }[]>("POST", "/me/notifications/test");
