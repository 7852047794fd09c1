/**
 * `imcloud init` with an empty card: what goes on it, writing it, and waiting for the board that it makes.
 */
import type { z } from "zod";
import { UserName, WifiCountry } from "../config/first-boot.js";
import type { NewBoard } from "../fleet/new-cloud.js";
import { ExitCode } from "../shared/exit-code.js";
import type { Secret } from "../shared/secret.js";
import { answer, isAsking, missing, type InitOptions } from "./init-questions.js";
import type { Context } from "./program.js";
import type { Terminal } from "./terminal.js";

export interface NewCard {
  readonly image: string;
  /** A drive's id, or a file. */
  readonly to: string;
  readonly board: NewBoard;
  readonly wifiPassword?: Secret;
}

/** First boots take one to three minutes; slow cards and old boards ten. */
const WAIT_MINUTES = 15;

export async function chooseCard(options: InitOptions, name: string, terminal: Terminal): Promise<NewCard> {
  const image = await required(
    "Image (an id of `imcloud image list`, a file or an address)",
    "--flash",
    options.flash,
    options,
    terminal,
  );
  const to = await required(
    "Card to write (an id of `imcloud drives`)",
    "--to",
    options.to,
    options,
    terminal,
  );
  const user = await answer(
    { question: "Account to make", flag: "--user", given: options.user, preset: "pi", schema: UserName },
    options,
    terminal,
  );
  const wifi = await chooseWifi(options, terminal);
  return {
    image,
    to,
    board: {
      name,
      transport: "ssh",
      address: options.address ?? `${name}.local`,
      ...(options.port !== undefined && { port: options.port }),
      firstBoot: { user, ...(wifi !== undefined && { wifi: { ssid: wifi.ssid, country: wifi.country } }) },
    },
    ...(wifi?.password !== undefined && { wifiPassword: wifi.password }),
  };
}

/** A question without a default. @throws ImcloudError `cli.missing-answer` where nobody is there to be asked */
async function required(
  question: string,
  flag: string,
  given: string | undefined,
  options: InitOptions,
  terminal: Terminal,
  schema?: z.ZodType,
): Promise<string> {
  if (given === undefined && !isAsking(options, terminal)) throw missing(question, flag);
  return answer(
    { question, flag, given, preset: "", ...(schema !== undefined && { schema }) },
    options,
    terminal,
  );
}

interface Wifi {
  readonly ssid: string;
  readonly country: string;
  /** None: it comes from IMCLOUD_SECRET_WIFI_PASSWORD. */
  readonly password?: Secret;
}

async function chooseWifi(options: InitOptions, terminal: Terminal): Promise<Wifi | undefined> {
  const ssid =
    options.wifi ??
    (isAsking(options, terminal)
      ? await terminal.input("Name of the Wi-Fi network (empty: the board has a cable)", "--wifi")
      : "");
  if (ssid === "") return undefined;
  const country = await required(
    "Country that the board is in, such as DE",
    "--wifi-country",
    options.wifiCountry,
    options,
    terminal,
    WifiCountry,
  );
  const isGiven = (process.env.IMCLOUD_SECRET_WIFI_PASSWORD ?? "") !== "";
  const password =
    isGiven || !isAsking(options, terminal) ? undefined : await terminal.secret(`Password of ${ssid}`);
  return { ssid, country, ...(password !== undefined && { password }) };
}

export type CardOutcome =
  | { readonly isUp: true; readonly address: string }
  | { readonly isUp: false; readonly isWritten: boolean; readonly exitCode: ExitCode };

/** Writes the card by imcloud.yaml, and waits for the board. @returns where it is */
export async function makeBoardOfCard(
  { image, to, board }: NewCard,
  options: InitOptions,
  context: Context,
  terminal: Terminal,
): Promise<CardOutcome> {
  const { runFlash } = await import("./flash.js");
  const flags = {
    image,
    to: [to],
    ...{ verify: true, wait: false, on: [board.name] },
    ...(options.yes === true && { yes: [to] }),
  };
  const written = await runFlash(flags, context);
  if (written !== ExitCode.Ok) return { isUp: false, isWritten: false, exitCode: written };
  terminal.note("put the card into the board and switch it on");
  const { openFleetFor } = await import("./fleet-options.js");
  const { waitForBoards } = await import("./flash-wait.js");
  const { fingerprintsOf, keptIdentity } = await import("../fleet/identities.js");
  const fleet = await openFleetFor({ on: [board.name] }, context, terminal);
  const fingerprints = fingerprintsOf(await keptIdentity(fleet.workspace, board.name));
  const expected = fleet.boards.map((one) => ({ board: one, fingerprints }));
  const { up, exitCode } = await waitForBoards(fleet, expected, WAIT_MINUTES, terminal);
  const [found] = up;
  return found === undefined
    ? { isUp: false, isWritten: true, exitCode }
    : { isUp: true, address: found.address };
}
