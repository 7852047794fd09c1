/**
 * What needs the password once more.
 * Source: Matrix client-server API v1.19, "User-Interactive Authentication API".
 */
import { MatrixError, type AuthDict, type MatrixClient } from "matrix-js-sdk";
import { t } from "../words/words.js";

const byPassword = (client: MatrixClient, password: string, session: string | undefined): AuthDict => ({
  type: "m.login.password",
  identifier: { type: "m.id.user", user: client.getSafeUserId() },
  password,
  ...(session !== undefined && { session }),
});

/** @throws Error for a wrong password; MatrixError for what else is refused */
async function proved(
  client: MatrixClient,
  password: string,
  work: (auth?: AuthDict) => Promise<unknown>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof MatrixError) || error.httpStatus !== 401) throw error;
    const { session } = error.data as { session?: string };
    await work(byPassword(client, password, session)).catch(tellWrong);
  }
}

/** The server asks once more where the proof was none. */
function tellWrong(error: unknown): never {
  const isWrong =
    error instanceof MatrixError && (error.httpStatus === 401 || error.errcode === "M_FORBIDDEN");
  throw isWrong ? new Error(t("passwordIsWrong"), { cause: error }) : error;
}

/** One's other devices stay signed in. @throws Error for a wrong password; MatrixError `M_WEAK_PASSWORD` */
export async function changePassword(client: MatrixClient, old: string, next: string): Promise<void> {
  await client.setPassword(byPassword(client, old, undefined), next, false).catch(tellWrong);
}

/** Signs devices out. @throws Error for a wrong password */
export async function endDevices(
  client: MatrixClient,
  ids: readonly string[],
  password: string,
): Promise<void> {
  await proved(client, password, (auth) => client.deleteMultipleDevices([...ids], auth));
}
