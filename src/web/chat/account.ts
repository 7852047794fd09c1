/**
 * What needs the password once more.
 * Source: Matrix client-server API v1.19, "User-Interactive Authentication API".
 */
import { MatrixError, type AuthDict, type MatrixClient } from "matrix-js-sdk";

const byPassword = (client: MatrixClient, password: string, session: string | undefined): AuthDict => ({
  type: "m.login.password",
  identifier: { type: "m.id.user", user: client.getSafeUserId() },
  password,
  ...(session !== undefined && { session }),
});

/** @throws MatrixError `M_FORBIDDEN` for a wrong password */
async function proved<T>(
  client: MatrixClient,
  password: string,
  work: (auth?: AuthDict) => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MatrixError) || error.httpStatus !== 401) throw error;
    return work(byPassword(client, password, (error.data as { session?: string }).session));
  }
}

/** One's other devices stay signed in. @throws MatrixError `M_FORBIDDEN` for a wrong password, `M_WEAK_PASSWORD` */
export async function changePassword(client: MatrixClient, old: string, next: string): Promise<void> {
  await client.setPassword(byPassword(client, old, undefined), next, false);
}

/** Signs devices out. @throws MatrixError `M_FORBIDDEN` for a wrong password */
export async function endDevices(
  client: MatrixClient,
  ids: readonly string[],
  password: string,
): Promise<void> {
  await proved(client, password, (auth) => client.deleteMultipleDevices([...ids], auth));
}
