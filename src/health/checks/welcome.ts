/** The page in plain HTTP by which people's devices come to trust the IM server. Nobody's chat depends on it. */
import { lines, sh } from "../../board/script.js";
import { notApplicable, ok, unknown, warn, type HealthCheck } from "../check.js";
import { httpGet } from "./http-get.js";

/** Of the server's own listener for machines: `templates/etc/imcloud/server.json`. */
const OPERATIONS_PORT = 9009;

export const welcome: HealthCheck = {
  id: "welcome",
  title: "Welcome page",
  playbook: "imserver",
  after: ["imserver-service", "imserver"],

  probe() {
    const metrics = httpGet(OPERATIONS_PORT, "/metrics");
    return lines([
      httpGet(OPERATIONS_PORT, "/health"),
      sh`echo`,
      { text: `${metrics.text} | grep '^imcloud_welcome_up '`, files: metrics.files },
    ]);
  },

  judge({ stdout }) {
    if (!stdout.includes('"troubles"'))
      return unknown("the IM server does not tell how it is", {
        hint: "see `imcloud exec -- journalctl -u imcloud-server.service -n 50`",
      });
    const isUp = /^imcloud_welcome_up (\d)/m.exec(stdout)?.[1];
    if (isUp === undefined) return notApplicable;
    if (isUp === "1") return ok("is there");
    const why = /"welcome":"([^"]+)"/.exec(stdout)?.[1] ?? "it does not say why";
    return warn(why, {
      hint: "see what listens there: `imcloud exec -- ss -ltnp`; stop it, or give `vars: { welcome_port: 8080 }`; the chat goes on without",
    });
  },
};
