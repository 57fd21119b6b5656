// The knowledge base: articles, and who wrote which version.

import type { components } from "../openapi";
import { request, type Query } from "../api";
import type { Page } from "./calls";

type Schemas = components["schemas"];

const id = encodeURIComponent;

export type Article = Schemas["Article"];
export type Version = Schemas["ArticleVersion"];
export type Writing = Schemas["ArticleBody"];

export const search = (query: Query) => request<Page<Article>>("GET", "/knowledge", { query });
export const get = (article: string) => request<Article>("GET", `/knowledge/${id(article)}`);
export const history = (article: string) =>
  request<Version[]>("GET", `/knowledge/${id(article)}/history`);
export const create = (writing: Writing) =>
  request<Article>("POST", "/knowledge", { body: writing });
export const edit = (article: string, version: number, writing: Writing) =>
  request<Article>("PUT", `/knowledge/${id(article)}`, { body: { ...writing, version } });
export const remove = (article: string) => request<void>("DELETE", `/knowledge/${id(article)}`);
