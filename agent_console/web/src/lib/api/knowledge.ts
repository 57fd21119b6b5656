// The knowledge base: articles, and who wrote which version.

import type { components } from "../openapi";
import { request, type Query } from "../client";

type Schemas = components["schemas"];

export type Article = Schemas["Article"];
export type Version = Schemas["ArticleVersion"];
export type Writing = Schemas["ArticleBody"];

export const search = (query: Query) => request("GET", "/knowledge", { query });
export const get = (article: string) =>
  request("GET", "/knowledge/{article_id}", { path: { article_id: article } });
export const history = (article: string) =>
  request("GET", "/knowledge/{article_id}/history", { path: { article_id: article } });
export const create = (writing: Writing) =>
  request("POST", "/knowledge", { body: writing });
export const edit = (article: string, version: number, writing: Writing) =>
  request("PUT", "/knowledge/{article_id}", {
    path: { article_id: article },
    body: { ...writing, version },
  });
export const remove = (article: string, version: number) =>
  request("DELETE", "/knowledge/{article_id}", { path: { article_id: article }, query: { version } });
export const deleted = (query: Query) => request("GET", "/knowledge/deleted", { query });
export const restore = (article: string, version: number) =>
  request("POST", "/knowledge/{article_id}/restore", {
    path: { article_id: article },
    body: { version },
  });
