/** A foreign client and application service for Node.js: matrix-bot-sdk, through a day. */
import { beforeAll, expect, test } from "bun:test";
import { Registrations } from "./bridge.js";
import { freePort } from "./listening.js";
import { INSTALL_MS, installClient, startClient } from "./node-clients.js";
import { startTestServer } from "./test-server.js";

let place = "";
beforeAll(async () => {
  place = await installClient("bot-sdk", ["@matrix-org/matrix-sdk-crypto-nodejs"]);
}, INSTALL_MS);

test("a person, a bot and a puppet talk, and log out", async () => {
  using registrations = new Registrations();
  const port = await freePort();
  const registration = {
    id: "puppets",
    url: `http://127.0.0.1:${port}`,
    as_token: "as token of puppets",
    hs_token: "hs token of puppets",
    sender_localpart: "puppeteer",
    namespaces: {
      users: [{ exclusive: true, regex: "@puppet_.*:hs1" }],
      aliases: [],
      rooms: [],
    },
    "de.sorunome.msc2409.push_ephemeral": true,
  };
  const server = await startTestServer({
    appServices: { files: [registrations.write("puppets", registration)] },
  });
  const day = startClient("bot-sdk/day.mjs", place, {
    SERVER_URL: server.url,
    LISTEN_PORT: String(port),
    REGISTRATION: JSON.stringify(registration),
  });
  try {
    await day.ended;
    expect(day.lines.at(-1)).toBe("done");
  } finally {
    await server.stop();
  }
}, 30_000);
