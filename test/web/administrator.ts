/**
 * An administrator at the page, and what the operator does beside it.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import type { ServerProcess } from "../bench/server-process.js";
import { openWindow, PASSWORD, type Person } from "./browser.js";

/** Asks the administration API with the token in the server's own folder. @throws Error when it refuses */
export async function operate<T = Record<string, unknown>>(
  server: ServerProcess,
  method: string,
  path: string,
  body?: object,
): Promise<T> {
  const token = readFileSync(join(server.folder, "admin.token"), "utf8").trim();
  const response = await fetch(`${server.url}/_imcloud/admin/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

export const makeAccount = (server: ServerProcess, name: string, isAdmin = false) =>
  operate(server, "PUT", `/users/${name}`, { password: PASSWORD, admin: isAdmin });

/** A window at `/admin`, signed in as somebody; the page's words are the locale's. */
export async function openAdmin(
  browser: Browser,
  server: ServerProcess,
  name: string,
  options: BrowserContextOptions = {},
): Promise<Person> {
  const person = await openWindow(browser, server.url, name, options);
  const { page } = person;
  await page.goto(`${server.url}/admin`);
  await page.locator("input[name=user]").fill(name);
  await page.locator("input[name=password]").fill(PASSWORD);
  await page.locator("form button.primary").click();
  await page.getByRole("navigation").waitFor();
  return person;
}

export const go = (page: Page, screen: string) =>
  page.getByRole("navigation", { name: "Administration" }).getByRole("link", { name: screen }).click();

/** A dialog, by its title. */
export const dialog = (page: Page, name: string | RegExp) => page.getByRole("dialog", { name });
