// The pages: address, who may open them, and the code that is loaded when somebody does.

import type { Component } from "svelte";
import type { Key } from "./i18n";

export type UserRole = "agent" | "lead" | "inspector" | "manager" | "admin";

export interface Page {
  name: string;
  path: string;
  /** The word in the navigation; none: reached from other pages only. */
  label?: Key;
  /** Its heading, where the navigation has no word for it. */
  title?: Key;
  roles: readonly UserRole[];
  /** The page in the navigation that it belongs to. */
  under?: string;
  /** The page whose code it shares: going from one to the other leaves what is shown in place. */
  shares?: string;
  /** Without navigation and tools around it. */
  bare?: boolean;
  load: () => Promise<{ default: Component }>;
}

export interface Match {
  page: Page | null;
  params: Readonly<Record<string, string>>;
}

const EVERYBODY: readonly UserRole[] = ["agent", "lead", "inspector", "manager", "admin"];

export const PAGES: readonly Page[] = [
  {
    name: "desk",
    path: "/",
    label: "page_desk",
    roles: ["lead"],
    load: () => import("../pages/DeskPage.svelte"),
  },
  {
    name: "agent",
    path: "/agent",
    label: "page_agent",
    roles: ["agent"],
    load: () => import("../pages/AgentPage.svelte"),
  },
  {
    name: "history",
    path: "/history",
    label: "page_history",
    roles: ["lead", "manager", "agent", "inspector"],
    load: () => import("../pages/HistoryPage.svelte"),
  },
  {
    name: "complaints",
    path: "/complaints",
    label: "page_complaints",
    roles: EVERYBODY,
    load: () => import("../pages/ComplaintsPage.svelte"),
  },
  {
    name: "complaint",
    path: "/complaints/:id",
    under: "complaints",
    shares: "complaints",
    title: "complaint",
    roles: EVERYBODY,
    load: () => import("../pages/ComplaintsPage.svelte"),
  },
  {
    name: "knowledge",
    path: "/knowledge",
    label: "page_knowledge",
    roles: EVERYBODY,
    load: () => import("../pages/KnowledgePage.svelte"),
  },
  {
    name: "article",
    path: "/knowledge/:id",
    under: "knowledge",
    shares: "knowledge",
    title: "article",
    roles: EVERYBODY,
    load: () => import("../pages/KnowledgePage.svelte"),
  },
  {
    name: "registers",
    path: "/registers",
    label: "page_registers",
    roles: EVERYBODY,
    load: () => import("../pages/RegistersPage.svelte"),
  },
  {
    name: "record",
    path: "/registers/:id",
    under: "registers",
    shares: "registers",
    title: "record_of_call",
    roles: EVERYBODY,
    load: () => import("../pages/RegistersPage.svelte"),
  },
  {
    name: "inspect",
    path: "/inspect",
    label: "page_inspect",
    roles: ["inspector", "lead", "manager", "agent"],
    load: () => import("../pages/InspectPage.svelte"),
  },
  {
    name: "inspection",
    path: "/inspect/:id",
    under: "inspect",
    title: "inspection",
    roles: ["inspector", "lead", "manager", "agent"],
    load: () => import("../pages/InspectionPage.svelte"),
  },
  {
    name: "manage",
    path: "/manage",
    label: "page_manage",
    roles: ["manager", "lead", "admin"],
    load: () => import("../pages/ManagePage.svelte"),
  },
  {
    name: "admin",
    path: "/admin",
    label: "page_admin",
    roles: ["manager", "admin"],
    load: () => import("../pages/AdminPage.svelte"),
  },
  {
    name: "wallboard",
    path: "/wallboard",
    label: "page_wallboard",
    roles: ["lead", "manager"],
    bare: true,
    load: () => import("../pages/WallboardPage.svelte"),
  },
  {
    name: "watch",
    path: "/watch",
    title: "page_watch",
    roles: ["lead", "manager", "inspector", "admin"],
    bare: true,
    load: () => import("../pages/WatchPage.svelte"),
  },
  {
    name: "me",
    path: "/me",
    label: "page_me",
    roles: EVERYBODY,
    load: () => import("../pages/MyPage.svelte"),
  },
  {
    name: "call",
    path: "/calls/:id",
    under: "history",
    title: "call",
    roles: EVERYBODY,
    load: () => import("../pages/CallPage.svelte"),
  },
];

/** The page for an address, and the parts of the address that its `:names` stand for. */
export function matchPage(path: string, pages: readonly Page[] = PAGES): Match {
  const parts = split(path);
  for (const page of pages) {
    const pattern = split(page.path);
    if (pattern.length !== parts.length) continue;
    const params: Record<string, string> = {};
    const fits = pattern.every((part, at) => {
      if (!part.startsWith(":")) return part === parts[at];
      params[part.slice(1)] = decodeURIComponent(parts[at] ?? "");
      return true;
    });
    if (fits) return { page, params };
  }
  return { page: null, params: {} };
}

/** Which page's code shows it. */
export function codeOf(page: Page): string {
  return page.shares ?? page.name;
}

/** The word for a page above it and in the window's title. */
export function titleOf(page: Page | null): Key {
  return page ? (page.title ?? page.label ?? "title") : "no_such_page";
}

/** The pages in the navigation of somebody of this role. */
export function pagesOf(role: string, pages: readonly Page[] = PAGES): Page[] {
  return pages.filter((page) => page.label && may(role, page));
}

const HOMES: Readonly<Record<string, string>> = {
  agent: "/agent",
  inspector: "/inspect",
  manager: "/manage",
  admin: "/admin",
};

/** Where somebody of this role begins. */
export function homeOf(role: string): string {
  return HOMES[role] ?? "/";
}

export function may(role: string, page: Page): boolean {
  return (page.roles as readonly string[]).includes(role);
}

function split(path: string): string[] {
  return path.split("/").filter(Boolean);
}
