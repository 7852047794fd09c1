/**
 * For customers of a shop: a link with a token opens a chat with one account, and nothing else. The account behind it
 * is made on the spot, and stays in this browser.
 */
import { useState } from "preact/hooks";
import { ApiError, call, OfflineError } from "./api.js";
import { keepSession, register, type Session } from "./session.js";
import { t } from "./words/words.js";
import { field } from "./ui/field.js";

const KEY = "imcloud.guest";
const V3 = "/_matrix/client/v3";

/** The room that is all a guest has; undefined for everybody else. */
export const guestRoom = (): string | undefined => localStorage.getItem(KEY) ?? undefined;

export interface GuestProps {
  readonly token: string;
  /** Whom to chat with. */
  readonly host: string;
  readonly onSignedIn: (session: Session) => Promise<void>;
}

export function Guest({ token, host, onSignedIn }: GuestProps) {
  const [trouble, setTrouble] = useState("");
  const [isBusy, setBusy] = useState(false);
  // Made once, also when what follows fails: an invitation may be good for one account.
  const [made, setMade] = useState<Session>();
  const start = async (name: string) => {
    setBusy(true);
    setTrouble("");
    try {
      const session = made ?? (await register({ user: `guest-${random(5)}`, password: random(24), token }));
      setMade(session);
      const room = await openChat(session, name, host);
      keepSession(session);
      localStorage.setItem(KEY, room);
      location.hash = `#/room/${encodeURIComponent(room)}`;
      await onSignedIn(session);
    } catch (error) {
      setBusy(false);
      if (error instanceof OfflineError) setTrouble(t("noAnswer"));
      else if (error instanceof ApiError)
        setTrouble(error.status === 401 ? t("wrongInvitation") : t("failed", { reason: error.message }));
      else setTrouble(t("failed", { reason: String(error) }));
    }
  };
  return (
    <main class="sign-in">
      <form
        aria-busy={isBusy}
        onSubmit={(event) => {
          event.preventDefault();
          void start(field(event.currentTarget, "name").trim());
        }}
      >
        <h1>{t("guestTitle")}</h1>
        <p>{t("guestText")}</p>
        <label>
          {t("guestName")}
          <input name="name" required dir="auto" autocomplete="name" maxLength={100} />
        </label>
        <p class="trouble" role="alert">
          {trouble}
        </p>
        <button class="primary" disabled={isBusy}>
          {t("guestStart")}
        </button>
      </form>
    </main>
  );
}

/** Without end-to-end encryption: the shop's staff, and its programs, are to read what customers ask. */
async function openChat(
  { userId, accessToken: token }: Session,
  name: string,
  host: string,
): Promise<string> {
  await call(`${V3}/profile/${encodeURIComponent(userId)}/displayname`, {
    method: "PUT",
    token,
    body: { displayname: name },
  });
  const { room_id } = await call<{ room_id: string }>(`${V3}/createRoom`, {
    method: "POST",
    token,
    body: { preset: "trusted_private_chat", is_direct: true, invite: [host] },
  });
  return room_id;
}

/** @param bytes of randomness, in hexadecimal */
function random(bytes: number): string {
  return [...crypto.getRandomValues(new Uint8Array(bytes))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
