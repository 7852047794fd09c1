/** How a board's IM server receives people whose devices do not know the cloud's authority yet. */
import type { BoardConfig } from "../config/load.js";
import type { TlsSource } from "../config/tls.js";
import { ImcloudError } from "../shared/errors.js";

/** Of addresses without a port, so that people have less to type. */
const WELCOME_PORT = 80;
/** What the server listens on besides, whatever imcloud.yaml says: `templates/etc/imcloud/server.json`. */
const OWN_PORTS: readonly unknown[] = [8008, 9009];

export interface WelcomePlan {
  /** Devices have to be told of the cloud's own authority, because nobody else vouches for the server. */
  readonly isNeeded: boolean;
  /** Of the listener in plain HTTP; 0: there is none. */
  readonly port: number;
}

/**
 * @param tls undefined on a board without the IM server
 * @throws ImcloudError `config.invalid` when the variable `welcome_port` is no port, or one that the server has already
 */
export function welcomeOf(
  { vars, origin }: Pick<BoardConfig, "vars" | "origin">,
  tls: TlsSource | undefined,
  clientPort: number,
): WelcomePlan {
  if (tls === undefined || tls.files !== null || tls.acme !== null || tls.proxy !== null)
    return { isNeeded: false, port: 0 };
  const given = vars.welcome_port ?? WELCOME_PORT;
  if (given === 0 || given === "none") return { isNeeded: true, port: 0 };
  const isPort = typeof given === "number" && Number.isInteger(given) && given > 0 && given <= 65_535;
  if (isPort && given !== clientPort && !OWN_PORTS.includes(given)) return { isNeeded: true, port: given };
  throw new ImcloudError(
    "config.invalid",
    isPort
      ? "`vars.welcome_port` is a port that the IM server has already"
      : "`vars.welcome_port` is no port",
    {
      origin,
      found: JSON.stringify(given),
      expected: `a port of its own from 1 to 65535, or \`none\`; ${WELCOME_PORT} unless it is given`,
      hint: "docs/invite.md says what it is for",
    },
  );
}
