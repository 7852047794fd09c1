/**
 * A real browser, and people in it: each has a window of their own, with nothing of anybody else's.
 */
import { expect } from "vitest";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";

/** How long something may take to be seen, in milliseconds. */
const PATIENCE_MS = 20_000;

export { openBrowser } from "./chromium.js";

export interface Person extends AsyncDisposable {
  readonly name: string;
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the page asked of anybody but its own server. */
  readonly foreign: readonly string[];
  /** What the page's scripts complained of. */
  readonly errors: readonly string[];
}

/** A window of somebody's at the server's address, with nobody signed in. */
export async function openWindow(
  browser: Browser,
  url: string,
  name: string,
  options: BrowserContextOptions = {},
): Promise<Person> {
  const context = await browser.newContext({
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    viewport: { width: 1_280, height: 800 },
    ...options,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const foreign: string[] = [];
  const errors: string[] = [];
  page.on("request", (request) => {
    const address = request.url();
    if (!address.startsWith(new URL(url).origin) && !/^(blob|data):/.test(address)) foreign.push(address);
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (/Content Security Policy|Trusted ?Type/i.test(message.text())) errors.push(message.text());
  });
  await page.goto(url);
  return { name, page, context, foreign, errors, [Symbol.asyncDispose]: () => context.close() };
}

export const PASSWORD = "correct horse";

/** Makes an account on the first screen, or by the invitation that was opened, and waits for the chat. */
export async function signUp({ page, name }: Person): Promise<void> {
  // By an invitation, or where registration is open, as the page learns from the server.
  if (!page.url().includes("#/join/"))
    await page.getByRole("button", { name: "I have no account yet" }).click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("Password, once more").fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByRole("navigation", { name: "Chats" }).waitFor();
}

export async function signIn({ page, name }: Person, password = PASSWORD): Promise<void> {
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation", { name: "Chats" }).waitFor();
}

/** Somebody with an account and a window, signed in. */
export async function enter(
  browser: Browser,
  url: string,
  name: string,
  options: BrowserContextOptions = {},
): Promise<Person> {
  const person = await openWindow(browser, url, name, options);
  await signUp(person);
  return person;
}

/** Two people in a chat of their own, which both have opened. */
export async function pair(
  browser: Browser,
  url: string,
  one: string,
  other: string,
): Promise<[Person, Person]> {
  const [first, second] = await Promise.all([enter(browser, url, one), enter(browser, url, other)]);
  await chatWith(first, other);
  await accept(second, one);
  return [first, second];
}

/** Accepts an invitation from somebody, or to a room. */
export async function accept({ page }: Person, name: string): Promise<void> {
  await page.getByRole("link", { name: new RegExp(name) }).click();
  await page.getByRole("button", { name: "Accept" }).click();
  await composer(page).waitFor();
}

/** Starts a chat with somebody by the directory. */
export async function chatWith({ page }: Person, name: string): Promise<void> {
  await page.getByRole("button", { name: "New chat" }).click();
  await page.getByRole("searchbox", { name: "Find a person" }).fill(name);
  await page.getByRole("button", { name: new RegExp(`@${name}:`) }).click();
  await composer(page).waitFor();
}

export const composer = (page: Page) => page.getByRole("textbox", { name: /^Message to/ });

export async function say({ page }: Person, text: string): Promise<void> {
  await composer(page).fill(text);
  await composer(page).press("Enter");
}

/** The conversation, and nothing beside it. */
export const conversation = (page: Page) => page.getByRole("main").getByRole("log");

export async function sees({ page }: Person, text: string): Promise<void> {
  await conversation(page).getByText(text, { exact: true }).first().waitFor();
}

/** The message that says something, and not one that only answers it. */
export const message = ({ page }: Person, text: string | RegExp) =>
  page
    .getByRole("article")
    .filter({ has: page.getByText(text, { exact: true }) })
    .last();

/** What can be done with a message, from its menu. */
export async function act(person: Person, text: string, action: string): Promise<void> {
  await message(person, text).hover();
  await message(person, text).getByRole("button", { name: "Message actions" }).click();
  await person.page.getByRole("menuitem", { name: action }).click();
}

/** No script failed, and nobody but the server was asked for anything. */
export function expectNoTrouble(...people: readonly Person[]): void {
  for (const { name, foreign, errors } of people)
    expect({ name, foreign, errors }).toEqual({ name, foreign: [], errors: [] });
}
