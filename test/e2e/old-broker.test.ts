/**
 * RabbitMQ as Ubuntu 18.04 has it (3.6.10): settings as Erlang terms, and no import of definitions.
 *
 * No package of that line can be had here. What stands in is one line: dpkg says that the broker is 3.6.10. The
 * broker itself is Debian 12's, which still reads the old form and has every command that the old one had; so what
 * is proved is that the old way configures a real broker, not that 3.6.10 is that broker.
 */
import { expect, test } from "vitest";
import { virtualBoard } from "../../src/lab/virtual-board.js";
import { operator } from "./operator.js";

const FAKE_DPKG_QUERY = `#!/bin/sh
# A fake, for tests: the broker's package looks as old as Ubuntu 18.04's.
/usr/bin/dpkg-query "$@" | sed -E '/rabbitmq-server|^3\\.10/s/3\\.10\\.[0-9][^ ]*/3.6.10-1/'
`;
const LISTENS = "ss -Hltn | awk '{ print $4 }' | grep -E ':(4369|5672|25672)$' | sort";
const ENVIRONMENT = "rabbitmqctl -q -n rabbit@localhost environment";

test("a broker of the old line is configured, closed and given its account", async () => {
  await using board = await virtualBoard("kitchen", {
    files: [{ path: "/usr/local/bin/dpkg-query", content: FAKE_DPKG_QUERY, mode: 0o755 }],
  });
  const secrets = { amqp_password: "canary-Pa55 'word" };
  await using home = await operator({ boards: [board], playbooks: ["rabbitmq"], secrets });

  const run = await home.imcloud("apply", "--yes", "--json");
  expect(run, run.stderr).toMatchObject({ exitCode: 0 });
  expect(await board.sh("ls /etc/rabbitmq")).toBe("rabbitmq-env.conf\nrabbitmq.config");
  expect(await board.sh(LISTENS)).toBe("127.0.0.1:25672\n127.0.0.1:4369\n127.0.0.1:5672");

  // What the broker itself made of the file.
  const environment = await board.sh(ENVIRONMENT);
  expect(environment).toContain("{vm_memory_high_watermark,{absolute,1610612736}}");
  expect(environment).toContain("{disk_free_limit,1073741824}");
  expect(environment).toContain('{tcp_listeners,[{"127.0.0.1",5672}]}');

  expect(await board.sh("rabbitmqctl -q -n rabbit@localhost list_users")).toMatch(
    /^user\ttags\nimcloud-server\t/,
  );
  expect(await board.sh("rabbitmqctl -q -n rabbit@localhost list_vhosts")).toContain("imcloud");
  const login = (password: string) =>
    board.sh(
      `rabbitmqctl -q -n rabbit@localhost authenticate_user imcloud-server ${password} && echo in || echo out`,
    );
  expect(await login(`"canary-Pa55 'word"`)).toContain("in");
  expect(await login("canary")).toContain("out");
  expect(await board.sh("ls -A /var/lib/rabbitmq")).not.toContain("imcloud-reading");

  expect(await home.imcloud("plan")).toMatchObject({ exitCode: 0 });
});
