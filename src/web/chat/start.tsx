/**
 * From a session to the chat on the screen.
 */
import { render } from "preact";
import { forgetSession, type Session } from "../session.js";
import { t } from "../words/words.js";
import { App } from "./app.js";
import { Chat } from "./chat.js";
import { Elsewhere } from "./elsewhere.js";

/** One tab at a time: two would each lose the other's keys. */
const LOCK = "imcloud.chat";

/** @throws Error when what the browser keeps of the chat cannot be opened */
export async function startChat(
  root: Element,
  session: Session,
  onTrouble: (error: unknown) => void,
): Promise<void> {
  if (!(await takeLock(false, root))) {
    const useHere = () =>
      void takeLock(true, root)
        .then(() => show(root, session))
        .catch(onTrouble);
    render(<Elsewhere onUseHere={useHere} />, root);
    return;
  }
  await show(root, session);
}

// A file that is let go of beside a conversation would be opened in the chat's place.
for (const kind of ["dragover", "drop"] as const) addEventListener(kind, (event) => event.preventDefault());

async function show(root: Element, session: Session): Promise<void> {
  const chat = await Chat.open(session, (reason) => void signOut(reason));
  if (!chat.isStopped) render(<App chat={chat} />, root);
}

/** @param isTaking also when another tab has it: that one is told by its lock being lost */
function takeLock(isTaking: boolean, root: Element): Promise<boolean> {
  // Over plain HTTP browsers have no locks, and no encryption that could be harmed.
  if (!("locks" in navigator)) return Promise.resolve(true);
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(LOCK, isTaking ? { steal: true } : { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        return lock === null ? undefined : new Promise<void>(() => undefined);
      })
      .catch((error: unknown) => {
        if (error instanceof DOMException && error.name === "AbortError") return lost(root);
        reject(error instanceof Error ? error : new Error(String(error)));
      });
  });
}

/** Another tab took over: nothing of this one may go on. */
function lost(root: Element): void {
  Chat.current?.stop();
  render(<Elsewhere onUseHere={() => location.reload()} />, root);
}

/** The token is nobody's any more, or the user wants to go. */
async function signOut(reason: "asked" | "expired"): Promise<void> {
  Chat.current?.stop();
  await forgetSession();
  if (reason === "expired") sessionStorage.setItem("imcloud.notice", t("signedOut"));
  location.hash = "";
  location.reload();
}
