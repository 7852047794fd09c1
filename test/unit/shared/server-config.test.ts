import { expect, test } from "vitest";
import { ServerConfig } from "../../../src/shared/server-config.js";

const withBus = (bus: object) =>
  ServerConfig.safeParse({
    serverName: "home.home.arpa",
    listeners: [{ address: "127.0.0.1", port: 8008 }],
    publicBaseUrl: "https://pi-1.local:8448",
    store: { kind: "sqlite", path: "/var/lib/im.db" },
    bus: { kind: "kafka", brokers: ["pi-1.home.arpa:9092"], ...bus },
  }).error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];

const login = { user: "im", passwordFile: "/etc/im" };

test("a broker is told a password within TLS only", () => {
  expect(withBus({ ...login, mechanism: "PLAIN", tls: { caFile: "/etc/ca" } })).toEqual([]);
  expect(withBus({ ...login, mechanism: "PLAIN" })).toEqual(["bus.mechanism: `PLAIN` only within `tls`"]);
  expect(withBus(login)).toEqual([]);
  expect(withBus({ user: "im" })).toEqual(["bus.passwordFile: `user` and `passwordFile` go together"]);
});
