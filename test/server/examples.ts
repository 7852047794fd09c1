/** The programs of docs/examples, and what they need to run: started as their README says. */
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { createHash } from "node:crypto";
import { cacheFolder } from "../../src/files/operator-files.js";
import { packageRoot } from "../../src/shared/package-root.js";
import { fetchJarsOf } from "./jars.js";
import { run, start, type Running } from "./programs.js";
import { preparePython, startPython } from "./python.js";
import type { HeardEvent } from "./listener.js";

export const EXAMPLES = join(packageRoot(), "docs", "examples");

const JAVA = join(EXAMPLES, "java");
/** Short lives: what a compiler optimises for long runs never pays. */
const JVM = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xmx64m"];

type Program = (settings: Readonly<Record<string, string>>) => Promise<Running>;

export const PROGRAMS = {
  "order_bot.py": (settings) => startPython(join(EXAMPLES, "python", "order_bot.py"), settings),
  "order-bot.mjs": (settings) => startNode("order-bot.mjs", settings),
  "RabbitmqOrderBot.java": (settings) => startJava("RabbitmqOrderBot", settings),
  "KafkaOrderBot.java": (settings) => startJava("KafkaOrderBot", settings),
  "chat.py": (settings) => startPython(join(EXAMPLES, "python", "chat.py"), settings),
  "chat.mjs": (settings) => startNode("chat.mjs", settings),
  "Chat.java": (settings) => startJava("Chat", settings),
} satisfies Record<string, Program>;

/** Fetches libraries and compiles, where that was not done before. For `beforeAll`. */
export async function prepareExamples(): Promise<void> {
  await Promise.all([preparePython(), javaClasses()]);
}

/** Node.js learns at its start whom it trusts. */
async function startNode(program: string, settings: Readonly<Record<string, string>>): Promise<Running> {
  const { CA_FILE = "" } = settings;
  return Promise.resolve(
    start("node", [join(EXAMPLES, "node", program)], { ...settings, NODE_EXTRA_CA_CERTS: CA_FILE }),
  );
}

async function startJava(program: string, settings: Readonly<Record<string, string>>): Promise<Running> {
  return start("java", [...JVM, "-cp", await javaClasses(), program], settings);
}

let compiled: Promise<string> | undefined;

/** @returns a class path */
function javaClasses(): Promise<string> {
  compiled ??= compileJava();
  return compiled;
}

async function compileJava(): Promise<string> {
  const jars = join(await fetchJarsOf(readFileSync(join(JAVA, "pom.xml"), "utf8")), "*");
  const sources = (await readdir(JAVA))
    .filter((name) => name.endsWith(".java"))
    .sort()
    .map((name) => join(JAVA, name));
  const sum = createHash("sha256").update(jars);
  for (const source of sources) sum.update(readFileSync(source));
  const place = join(cacheFolder(), "java", sum.digest("hex").slice(0, 12));
  if (!existsSync(place)) {
    const part = `${place}.${process.pid}`;
    await mkdir(part, { recursive: true });
    try {
      await run("javac", ["-Xlint:all,-serial", "-Werror", "-cp", jars, "-d", part, ...sources]);
      await rename(part, place);
    } finally {
      await rm(part, { recursive: true, force: true });
    }
  }
  return `${place}:${jars}`;
}

/** The registration of a bot as docs/integration.md has it: an account that the server asks nothing. */
export const registrationOf = (name: string) => ({
  id: name,
  url: null,
  as_token: `${name}'s token`,
  hs_token: `${name}'s unused token`,
  sender_localpart: name,
  namespaces: {},
  rate_limited: false,
});

/** Whether an event is a reply to the one of that id. */
export const isAnswerTo =
  (question: string) =>
  ({ content }: HeardEvent): boolean => {
    const relation = content["m.relates_to"] as { "m.in_reply_to"?: { event_id: string } } | undefined;
    return relation?.["m.in_reply_to"]?.event_id === question;
  };

/** How an order bot ends that may not speak: with a line that says so, and no stack. @throws Error when it does not */
export async function endsForTheOperator(bot: Running): Promise<void> {
  const told = await bot.ended.then(() => "well", String);
  if (!/order.bot: .*401/.test(told)) throw new Error(`it ended otherwise: ${told}`);
  if (/Traceback|^\s+at \S+\(/m.test(told.split("\n").slice(1).join("\n")))
    throw new Error(`with a stack: ${told}`);
}
