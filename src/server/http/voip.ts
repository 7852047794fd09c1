/**
 * Calls. Without a TURN server the answer is an empty object, as the specification has it.
 * Source: Matrix client-server API v1.19, "Voice over IP".
 */
import { Empty, endpoint, group } from "./endpoint.js";

export const voip = group("Voice over IP", [
  endpoint({ route: "GET /_matrix/client/v3/voip/turnServer", reply: Empty, handle: () => ({}) }),
]);
