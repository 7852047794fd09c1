/**
 * One's own account: who am I, change of password, the end of it.
 * Source: Matrix client-server API v1.19, "Account management".
 */
import { z } from "zod";
import type { JsonObject } from "../core/json.js";
import { Empty, endpoint, group } from "./endpoint.js";
import { passwordStage, proveByPassword } from "./password-stage.js";

export const account = group("Account management", [
  endpoint({
    route: "GET /_matrix/client/v3/account/whoami",
    reply: z.object({ user_id: z.string(), device_id: z.string().optional(), is_guest: z.boolean() }),
    handle: ({ caller: { userId, deviceId } }) => ({
      user_id: userId,
      ...(deviceId !== "" && { device_id: deviceId }),
      is_guest: false,
    }),
  }),

  // Addresses of third parties are not taken here, so nobody has one: clients ask when they show an account's settings.
  endpoint({
    route: "GET /_matrix/client/v3/account/3pid",
    reply: z.object({ threepids: z.array(z.never()) }),
    handle: () => ({ threepids: [] }),
  }),

  endpoint({
    route: "POST /_matrix/client/v3/account/password",
    body: z.looseObject({
      new_password: z.string().max(512).optional(),
      // No default: what the request with the proof leaves out, the one before it has said.
      logout_devices: z.boolean().optional(),
    }),
    reply: Empty,

    async handle({ caller, body }, services) {
      const { accounts, interactiveAuth } = services;
      const proved = await interactiveAuth.prove(
        `password ${caller.userId}`,
        body as JsonObject,
        passwordStage(caller, services),
      );
      const { new_password: password, logout_devices: logOut } = z
        .object({ new_password: z.string(), logout_devices: z.boolean().default(true) })
        .parse(proved);
      await accounts.setPassword(caller.userId, password, logOut ? caller.deviceId : "all");
      return {};
    },
  }),

  endpoint({
    route: "POST /_matrix/client/v3/account/deactivate",
    body: z.looseObject({ erase: z.boolean().optional() }),
    reply: z.object({ id_server_unbind_result: z.enum(["success", "no-support"]) }),

    async handle({ caller, body }, services) {
      const { userId } = caller;
      const proved = await proveByPassword(`deactivate ${userId}`, caller, body as JsonObject, services);
      await services.accounts.deactivate(userId, proved["erase"] === true);
      // No identity server knows anybody of here.
      return { id_server_unbind_result: "success" as const };
    },
  }),
]);
