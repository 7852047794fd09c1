/** How people whose devices do not know the cloud's authority come in: the part `welcome` of the server's configuration. */
import { z } from "zod";
import { FilePath, Port } from "./config-fields.js";

export const Welcome = z
  .strictObject({
    authorityFile: FilePath.describe(
      "the certificate of the authority that vouches for the listeners; people install it from `/welcome`",
    ),
    listener: z
      .strictObject({
        address: z.string().min(1).describe("an address of this machine, or `0.0.0.0` / `::` for all"),
        port: Port.describe("80 for an address without a port; 0 takes a free one (tests)"),
      })
      .optional()
      .describe(
        "plain HTTP for devices that do not know the authority yet: `/welcome` and nothing of the API; the server goes on where its port is taken",
      ),
  })
  .describe("what people see before they trust the server; left out where every device knows its authority");
export type WelcomeConfig = z.infer<typeof Welcome>;
