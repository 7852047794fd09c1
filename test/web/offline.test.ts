/** A network that comes and goes, tabs that come and go: nothing is lost, and nothing is there twice. */
import { expect, test } from "vitest";
import { composer, conversation, expectNoTrouble, say, sees, type Person } from "./browser.js";
import { couple } from "./couple.js";

const people = couple();

/** The texts of a conversation that begin like this, in order. */
const texts = async ({ page }: Person, beginning: string): Promise<string[]> =>
  (await conversation(page).locator(".text p").allTextContents()).filter((text) =>
    text.startsWith(beginning),
  );

const numbered = (beginning: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${beginning} ${index + 1}`);

test("what is written without a network is sent in order when it is back", async () => {
  const { ann, ben } = people;
  const wanted = numbered("offline", 4);
  await say(ann, wanted[0] ?? "");
  await sees(ben, wanted[0] ?? "");
  await ann.context.setOffline(true);
  await ann.page.getByText("No connection.").waitFor();
  for (const text of wanted.slice(1)) await say(ann, text);
  await say(ben, "meanwhile");
  await ann.context.setOffline(false);
  await sees(ben, wanted.at(-1) ?? "");
  await sees(ann, "meanwhile");
  await expect.poll(() => conversation(ann.page).getByText("Not sent").count()).toBe(0);
  expect([await texts(ann, "offline"), await texts(ben, "offline")]).toEqual([wanted, wanted]);
});

test("an answer that was lost on its way makes no second message, and a request that was lost is made again", async () => {
  const { ann, ben } = people;
  const lose = (isTaken: boolean) =>
    ann.page.route(
      "**/send/m.room.encrypted/**",
      async (route) => {
        if (isTaken) await route.fetch();
        await route.abort("connectionreset");
      },
      { times: 1 },
    );
  await lose(true);
  await say(ann, "lost answer");
  await sees(ben, "lost answer");
  await lose(false);
  await say(ann, "lost request");
  await sees(ben, "lost request");
  await expect.poll(() => conversation(ann.page).getByText("Not sent").count()).toBe(0);
  const wanted = ["lost answer", "lost request"];
  expect([await texts(ann, "lost"), await texts(ben, "lost")]).toEqual([wanted, wanted]);
});

/** How many rooms the browser keeps for a start without a network; runs in the page. */
async function keptRooms(): Promise<number> {
  const ask = <T>(request: IDBRequest<T>) =>
    new Promise<T>((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error ?? new Error("the database does not answer"));
    });
  const database = await ask(indexedDB.open("matrix-js-sdk:imcloud"));
  const kept = (await ask(database.transaction("sync").objectStore("sync").getAll())) as {
    roomsData?: { join?: object };
  }[];
  database.close();
  return Object.keys(kept[0]?.roomsData?.join ?? {}).length;
}

test("the page opens without a network, with what was said and what was being written", async () => {
  const { ann, ben } = people;
  await say(ann, "kept for later");
  await sees(ben, "kept for later");
  await composer(ann.page).fill("half a sen");
  await ann.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await ann.page.reload();
  await sees(ann, "kept for later");
  await expect.poll(() => ann.page.evaluate(keptRooms), { timeout: 20_000 }).toBeGreaterThan(0);
  await ann.context.setOffline(true);
  await ann.page.reload();
  await ann.page.getByRole("link", { name: /ben/ }).waitFor();
  await sees(ann, "kept for later");
  expect(await composer(ann.page).inputValue()).toBe("half a sen");
  await ann.context.setOffline(false);
  await composer(ann.page).fill("");
});

test("one tab at a time has the chat, and another one takes it over", async () => {
  const { server, ann, ben } = people;
  const second = await ann.context.newPage();
  await second.goto(server.url);
  await second.getByRole("heading", { name: "The chat is open in another tab" }).waitFor();
  await second.getByRole("button", { name: "Use it here" }).click();
  await second.getByRole("link", { name: /ben/ }).waitFor();
  await ann.page.getByRole("heading", { name: "The chat is open in another tab" }).waitFor();
  await second.close();
  await ann.page.getByRole("button", { name: "Use it here" }).click();
  await ann.page.getByRole("link", { name: /ben/ }).click();
  await say(ann, "back again");
  await sees(ben, "back again");
  expectNoTrouble(ann, ben);
});
