/** The relay for calls: by its service and its port, as clients find it. */
import { portCheck, serviceCheck } from "./service-state.js";

const UNIT = "coturn.service";
const playbook = "calls";

export const callsService = serviceCheck({ id: "calls-service", title: "Calls' relay", playbook }, UNIT);

export const callsPort = portCheck(
  { id: "calls-port", title: "Calls' port", playbook },
  3_478,
  callsService.id,
  `see \`imcloud exec -- journalctl -u ${UNIT} -n 50\``,
);
