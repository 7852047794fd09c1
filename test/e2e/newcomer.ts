/**
 * Somebody with nothing but a browser and the link that `imcloud init` printed.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { openBrowser } from "../web/chromium.js";
import { accept, chatWith, openWindow, say, sees, signIn, signUp } from "../web/browser.js";
import { secretOf } from "./chat.js";
import type { Operator } from "./operator.js";

export interface FirstLink {
  /** `http://BOARD/welcome#/join/TOKEN`. */
  readonly link: string;
  /** Where the chat is. */
  readonly address: string;
  /** Of the first account. */
  readonly admin: string;
}

/**
 * Opens the link, trusts the cloud's authority as the page explains, makes an account by the invitation, and chats with
 * the first account, encrypted, each in a browser.
 *
 * @returns whether the newcomer's browser has a service worker: it takes one only where it trusts the certificate
 */
export async function newcomerChats(home: Operator, { link, address, admin }: FirstLink): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), "imcloud-newcomer-"));
  try {
    await trustIn(folder, await fetchAuthority(link, folder));
    const browser = await openBrowser(folder);
    try {
      await using newcomer = await openWindow(browser, link, "grace");
      await newcomer.page.getByText(/invit/i).first().waitFor();
      await newcomer.page.locator(`a[href^="${address}"]`).first().click();
      await newcomer.page.getByRole("heading", { name: "You are invited" }).waitFor();
      await signUp(newcomer);

      await using host = await openWindow(browser, address, admin);
      await signIn(host, await secretOf(home, "admin_password"));
      await chatWith(host, newcomer.name);
      await accept(newcomer, admin);
      await say(newcomer, "Here I am");
      await sees(host, "Here I am");
      await say(host, "Welcome, Grace");
      await sees(newcomer, "Welcome, Grace");
      return await newcomer.page.evaluate(
        "navigator.serviceWorker.getRegistration().then((it) => it !== undefined)",
      );
    } finally {
      await browser.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** As the page offers it. @returns the file */
async function fetchAuthority(link: string, folder: string): Promise<string> {
  const path = join(folder, "ca.pem");
  const answer = await fetch(new URL("/welcome/ca.pem", link));
  if (!answer.ok) throw new Error(`${link} has no certificate: ${answer.status}`);
  await writeFile(path, await answer.text());
  return path;
}

/** Where Chromium on Linux looks for the authorities that a person trusts. */
async function trustIn(home: string, certificate: string): Promise<void> {
  const database = join(home, ".pki", "nssdb");
  await mkdir(database, { recursive: true });
  await execa("certutil", ["-d", `sql:${database}`, "-N", "--empty-password"]);
  await execa("certutil", ["-d", `sql:${database}`, "-A", "-n", "imcloud", "-t", "C,,", "-i", certificate]);
}
