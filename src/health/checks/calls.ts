/** The relay for calls: by its service and its port, as clients find it. */
import { fail, ok, type HealthCheck } from "../check.js";
import { portOpen } from "./http-get.js";
import { judgeService, serviceProbe } from "./service-state.js";

const UNIT = "coturn.service";
const PORT = 3_478;

export const callsService: HealthCheck = {
  id: "calls-service",
  title: "Calls' relay",
  playbook: "calls",
  probe: () => serviceProbe(UNIT),
  judge: (result) => judgeService(result, UNIT),
};

export const callsPort: HealthCheck = {
  id: "calls-port",
  title: "Calls' port",
  playbook: "calls",
  after: ["calls-service"],
  probe: () => portOpen(PORT),
  judge: ({ exitCode }) =>
    exitCode === 0
      ? ok("accepts connections", { measured: `port ${PORT}`, threshold: "open" })
      : fail("runs, but accepts no connections", {
          measured: `port ${PORT}`,
          threshold: "open",
          hint: `see \`imcloud exec -- journalctl -u ${UNIT} -n 50\``,
        }),
};
