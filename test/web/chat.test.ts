/** Two people in two browsers, and everything that they may do with messages. */
import { expect, test } from "vitest";
import { act, composer, conversation, expectNoTrouble, message, say, sees, type Person } from "./browser.js";
import { couple } from "./couple.js";

const people = couple();

test("what one says the other one sees, and who is typing, and what was read", async () => {
  const { ann, ben } = people;
  await say(ann, "Hello Ben");
  await sees(ben, "Hello Ben");
  await composer(ben.page).pressSequentially("Hel");
  await ann.page.getByText("ben is typing …").waitFor();
  await composer(ben.page).pressSequentially("lo Ann");
  await composer(ben.page).press("Enter");
  await sees(ann, "Hello Ann");
  await ben.page.getByText("Seen by ann").first().waitFor({ state: "attached" });
  expectNoTrouble(ann, ben);
});

test("a line break, a link, bidirectional text and long words come as they were written", async () => {
  const { ann, ben } = people;
  const text = `first\nsecond: https://example.org/a?b=c, مرحبا ${"long".repeat(60)} 👩‍👩‍👧`;
  await composer(ann.page).fill("first");
  await composer(ann.page).press("Shift+Enter");
  await composer(ann.page).pressSequentially(text.slice(text.indexOf("\n") + 1));
  await composer(ann.page).press("Enter");
  const said = message(ben, /^first/);
  await said.waitFor();
  expect(await said.locator(".text p").textContent()).toBe(text);
  const link = said.getByRole("link", { name: "https://example.org/a?b=c" });
  expect([await link.getAttribute("rel"), await link.getAttribute("target")]).toEqual([
    "noopener noreferrer",
    "_blank",
  ]);
  const { width } = (await conversation(ben.page).boundingBox()) ?? { width: 0 };
  expect(await conversation(ben.page).evaluate((it) => it.scrollWidth)).toBeLessThanOrEqual(Math.ceil(width));
});

test("Enter while an input method composes sends nothing", async () => {
  const { ann, ben } = people;
  const before = await message(ann, "nihao").count();
  await composer(ann.page).fill("nihao");
  await composer(ann.page).evaluate((field) => {
    const press = (init: KeyboardEventInit) =>
      field.dispatchEvent(
        new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, ...init }),
      );
    press({ isComposing: true });
    press({ keyCode: 229 });
  });
  expect([await composer(ann.page).inputValue(), await message(ann, "nihao").count()]).toEqual([
    "nihao",
    before,
  ]);
  await composer(ann.page).fill("你好");
  await composer(ann.page).press("Enter");
  await sees(ben, "你好");
});

test("a message is edited, answered, reacted to and deleted, for both", async () => {
  const { ann, ben } = people;
  await say(ann, "I liek tea");
  await sees(ben, "I liek tea");
  await act(ann, "I liek tea", "Edit");
  await composer(ann.page).fill("I like tea");
  await composer(ann.page).press("Enter");
  await sees(ben, "I like tea");
  expect(await message(ben, "I like tea").getByText("edited").count()).toBe(1);

  await message(ben, "I like tea").hover();
  await message(ben, "I like tea").getByRole("button", { name: "React: 👍" }).click();
  await message(ann, "I like tea").getByRole("button", { name: "👍 1: ben" }).click();
  await message(ben, "I like tea").getByRole("button", { name: "👍 2: ben, ann" }).click();
  await message(ann, "I like tea").getByRole("button", { name: "👍 1: ann" }).waitFor();

  await message(ben, "I like tea").getByRole("button", { name: "Reply", exact: true }).click();
  await say(ben, "So do I");
  await message(ann, "So do I").getByRole("link", { name: "ann: I like tea" }).waitFor();

  await act(ann, "I like tea", "Delete message");
  await ann.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await sees(ben, "Message deleted");
  await conversation(ben.page).getByText("I like tea", { exact: true }).waitFor({ state: "detached" });
  expectNoTrouble(ann, ben);
});

test("a thread is beside the conversation, and both write to it", async () => {
  const { ann, ben } = people;
  await say(ann, "Where do we meet?");
  await sees(ben, "Where do we meet?");
  await act(ben, "Where do we meet?", "Reply in thread");
  const threadOf = ({ page }: Person) => page.getByRole("complementary", { name: "Thread" });
  await threadOf(ben).getByRole("textbox").fill("At mine");
  await threadOf(ben).getByRole("textbox").press("Enter");
  await message(ann, "Where do we meet?").getByRole("link", { name: "1 reply" }).click();
  await threadOf(ann).getByText("At mine", { exact: true }).waitFor();
  await threadOf(ann).getByRole("textbox").fill("At eight");
  await threadOf(ann).getByRole("textbox").press("Enter");
  await threadOf(ben).getByText("At eight", { exact: true }).waitFor();
  expect(await conversation(ben.page).getByText("At eight", { exact: true }).count()).toBe(0);
  for (const person of [ann, ben]) await threadOf(person).getByRole("button", { name: "Close" }).click();
});

test("pictures and files arrive whole, encrypted on their way", async () => {
  const { ann, ben } = people;
  const picture = Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEklEQVR4nGP8z8Dwn4GBgYEBAA0IAgFC3wP5AAAAAElFTkSuQmCC",
    "base64",
  );
  const chooser = ann.page.locator('input[type="file"]');
  await chooser.setInputFiles({ name: "dots.png", mimeType: "image/png", buffer: picture });
  await ben.page.getByRole("button", { name: "Picture: dots.png" }).getByRole("img").waitFor();
  const text = "what is in the file ".repeat(5_000);
  await chooser.setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from(text) });
  const file = message(ben, "notes.txt");
  await file.waitFor();
  const [download] = await Promise.all([
    ben.page.waitForEvent("download"),
    file.getByRole("button", { name: "Download" }).click(),
  ]);
  const chunks: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
  expect([download.suggestedFilename(), Buffer.concat(chunks).toString() === text]).toEqual([
    "notes.txt",
    true,
  ]);
  expectNoTrouble(ann, ben);
});

test("a voice message is recorded and played", async () => {
  const { ann, ben } = people;
  await ann.page.getByRole("button", { name: "Record a voice message" }).click();
  await ann.page.getByText(/Recording: 0:0[1-9]/).waitFor();
  await ann.page.getByRole("button", { name: "Stop and send" }).click();
  const voice = message(ben, "Voice message");
  await voice.getByRole("button", { name: /Voice message/ }).click();
  const player = ben.page.getByLabel("Voice message", { exact: true });
  await player.waitFor();
  expect(await player.evaluate((it) => (it as HTMLAudioElement).src)).toMatch(/^blob:/);
  expectNoTrouble(ann, ben);
});

/** @returns the poll as somebody sees it */
async function ask(
  { page }: Person,
  question: string,
  answers: readonly string[],
  ...terms: readonly string[]
) {
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "New poll" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Question").fill(question);
  for (const [index, answer] of answers.entries()) {
    if (index > 1) await form.getByRole("button", { name: "One more answer" }).click();
    await form.getByLabel(`Answer ${index + 1}`).fill(answer);
  }
  for (const term of terms) await form.getByLabel(term).check();
  await form.getByRole("button", { name: "Send" }).click();
  return (person: Person) => person.page.getByRole("group", { name: question });
}

test("a poll counts each person once, and ends", async () => {
  const { ann, ben } = people;
  const poll = await ask(ann, "Tea or coffee?", ["Tea", "Coffee"]);
  await poll(ben).getByRole("button", { name: "Tea" }).click();
  await poll(ben).getByRole("button", { name: "Coffee" }).click();
  await poll(ann).getByRole("button", { name: "Coffee" }).click();
  await poll(ann).getByRole("button", { name: "Coffee 2 votes" }).waitFor();
  await poll(ann).getByRole("button", { name: "End the poll" }).click();
  await poll(ben).getByText("The poll is over").waitFor();
  expectNoTrouble(ann, ben);
});

test("a poll with several answers each shows what others chose once it is over", async () => {
  const { ann, ben } = people;
  const poll = await ask(
    ann,
    "Which days?",
    ["Monday", "Tuesday", "Friday"],
    "More than one answer may be chosen",
    "Show the results only at the end",
  );
  await poll(ben).getByText("Choose up to 3").waitFor();
  const choose = async (person: Person, answer: string, isChosen = true) => {
    const button = poll(person).getByRole("button", { name: answer });
    await button.click();
    await expect.poll(() => button.getAttribute("aria-pressed")).toBe(String(isChosen));
  };
  await choose(ben, "Monday");
  await choose(ben, "Friday");
  await choose(ann, "Tuesday");
  await choose(ann, "Friday");
  await choose(ann, "Tuesday", false);
  await poll(ben).getByText("2 votes · the results are shown at the end").waitFor();
  expect(await poll(ben).getByRole("progressbar", { includeHidden: true }).count()).toBe(0);
  await poll(ann).getByRole("button", { name: "End the poll" }).click();
  for (const person of [ann, ben])
    for (const answer of ["Monday 1 vote", "Tuesday 0 votes", "Friday 2 votes"])
      await poll(person).getByRole("button", { name: answer }).waitFor();
  expectNoTrouble(ann, ben);
});

test("what was missed is counted in the list, with who was named", async () => {
  const { server, ann, ben } = people;
  // What is seen is read; the end of a poll is seen before it is.
  await say(ann, "read before leaving");
  await sees(ben, "read before leaving");
  await ben.page.goto(`${server.url}/#/settings`);
  await ben.page.getByRole("heading", { name: "Settings" }).waitFor();
  await composer(ann.page).pressSequentially("Come, @be");
  await ann.page.getByRole("option", { name: /@ben:/ }).waitFor();
  await composer(ann.page).press("Enter");
  await expect.poll(() => composer(ann.page).inputValue()).toBe("Come, @ben ");
  await composer(ann.page).press("Enter");
  const line = ben.page.getByRole("link", { name: /ann/ });
  await line.getByText("1 mention, 1 unread message").waitFor({ state: "attached" });
  await line.click();
  await line.getByText(/unread message/).waitFor({ state: "detached" });
  expectNoTrouble(ann, ben);
});
