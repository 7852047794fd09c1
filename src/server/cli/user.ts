/**
 * `user add|passwd|list`: accounts, while the server runs or not. Passwords come on standard input, never as
 * arguments, which every user of the machine can read.
 */
import { text } from "node:stream/consumers";
import type { ServerConfig } from "../../shared/server-config.js";
import { isNewUserId, toUserId } from "../core/ids.js";
import { becomeOwnerOf } from "../runtime/become-owner.js";
import { PasswordHasher } from "../runtime/password.js";
import { openStore, type Store } from "../store/store.js";
import { UsageError } from "./usage.js";

/** 0 done or already so; 1 refused. */
export async function runUserCommand(
  words: readonly string[],
  config: ServerConfig,
  isAdmin: boolean,
): Promise<number> {
  const [verb, name] = words;
  if (config.store.kind === "sqlite") becomeOwnerOf(config.store.path);
  const store = await openStore(config);
  try {
    switch (verb) {
      case "add":
        return await add(store, config, accountOf(name, config), isAdmin);
      case "passwd":
        return await setPassword(store, config, accountOf(name, config));
      case "list":
        for (const { userId, isAdmin: admin, isDeactivated } of await store.accounts.list()) {
          process.stdout.write(`${JSON.stringify({ userId, isAdmin: admin, isDeactivated })}\n`);
        }
        return 0;
      default:
        throw new UsageError("user add, user passwd or user list");
    }
  } finally {
    await store.close();
  }
}

/** An account that is there already with that password stays as it is: the command may be repeated. */
async function add(store: Store, config: ServerConfig, userId: string, isAdmin: boolean): Promise<number> {
  const hasher = new PasswordHasher(config.passwordHash);
  const password = await readPassword(config);
  const known = await store.accounts.get(userId);
  if (known === undefined) {
    await store.accounts.create(userId, await hasher.hash(password), isAdmin);
    process.stdout.write(`${JSON.stringify({ userId, outcome: "created" })}\n`);
    return 0;
  }
  if (!(await hasher.verify(password, known.passwordHash))) {
    process.stderr.write(`${userId} exists with another password; \`user passwd\` sets it\n`);
    return 1;
  }
  if (isAdmin && !known.isAdmin) await store.accounts.setAdmin(userId, true);
  process.stdout.write(
    `${JSON.stringify({ userId, outcome: isAdmin && !known.isAdmin ? "changed" : "unchanged" })}\n`,
  );
  return 0;
}

async function setPassword(store: Store, config: ServerConfig, userId: string): Promise<number> {
  const password = await readPassword(config);
  if (
    !(await store.accounts.setPassword(userId, await new PasswordHasher(config.passwordHash).hash(password)))
  ) {
    process.stderr.write(`${userId} does not exist\n`);
    return 1;
  }
  const devices = await store.sessions.devices(userId);
  await store.sessions.deleteDevices(
    userId,
    devices.map(({ deviceId }) => deviceId),
  );
  process.stdout.write(`${JSON.stringify({ userId, outcome: "changed" })}\n`);
  return 0;
}

function accountOf(name: string | undefined, { serverName }: ServerConfig): string {
  const userId = name === undefined ? "" : toUserId(name, serverName);
  if (!isNewUserId(userId, serverName)) {
    throw new UsageError("a user name has lower-case letters, digits and ._=-/+");
  }
  return userId;
}

async function readPassword({ limits }: ServerConfig): Promise<string> {
  const password = (await text(process.stdin)).replace(/\r?\n$/, "");
  if ([...password].length < limits.passwordMinimum) {
    throw new UsageError(
      `the password comes on standard input and has at least ${limits.passwordMinimum} characters`,
    );
  }
  return password;
}
