// Users, teams, sessions, and one's own settings.

import { request } from "../api";
import type { Severity } from "../types";

const id = encodeURIComponent;

export interface UserRow {
  username: string;
  role: string;
  name: string;
  agent: string;
  teams: string[];
  extension: string;
  language: "zh" | "en";
  has_password: boolean;
  by_provider: boolean;
  created_at: number;
}

export interface UserDetails {
  role: string;
  name: string;
  agent: string;
  teams: string[];
  extension: string;
}

export interface Team {
  team: string;
  queues: string[];
  agents: string[];
}

export interface SessionRow {
  id: string;
  username: string;
  role: string;
  opened_at: number;
  current: boolean;
}

export interface PushTarget {
  target_id: string;
  name: string;
  scheme?: string;
  url?: string;
  severities: Severity[];
}

export interface Notifications {
  targets: PushTarget[];
  quiet: { start: string; end: string } | null;
  zone: string;
  schemes: string[];
}

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
export const saveNotifications = ({ targets, quiet }: Pick<Notifications, "targets" | "quiet">) =>
  request<Notifications>("PUT", "/me/notifications", { body: { targets, quiet } });
export const tryNotifications = () =>
  request<{ target_id: string; taken: boolean }[]>("POST", "/me/notifications/test");
