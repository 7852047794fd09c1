/**
 * Where the chat page begins: signing in, or, with a session, the chat itself, which is loaded only then.
 */
import { signal } from "@preact/signals";
import { render } from "preact";
import { Guest } from "./guest.js";
import { registerWorker } from "./register-worker.js";
import { route } from "./route.js";
import { forgetSession, storedSession, type Session } from "./session.js";
import { SignIn } from "./sign-in.js";
import { usePageLook } from "./ui/theme.js";
import { t } from "./words/words.js";
import "./style.css";

const session = signal(storedSession());
/** Why the chat cannot be opened; undefined while it can. */
const trouble = signal<string | undefined>(undefined);

function Page() {
  usePageLook();
  if (trouble.value !== undefined) return <Trouble reason={trouble.value} />;
  if (session.value !== undefined) return <div class="splash" aria-busy="true" />;
  const { value } = route;
  if (value.name === "guest") return <Guest token={value.token} host={value.host} onSignedIn={openChat} />;
  // An invitation that is opened where the page already is begins anew.
  return <SignIn key={value.name === "join" ? value.token : ""} onSignedIn={openChat} />;
}

async function openChat(signedIn: Session): Promise<void> {
  session.value = signedIn;
  try {
    const { startChat } = await import("./chat/start.js");
    await startChat(root, signedIn, showTrouble);
  } catch (error) {
    showTrouble(error);
  }
}

function showTrouble(error: unknown): void {
  console.error(error);
  trouble.value = error instanceof Error ? error.message : String(error);
  render(<Page />, root);
}

/** A disk that is full, a network that went while the page was loading. */
function Trouble({ reason }: { readonly reason: string }) {
  return (
    <main class="notice">
      <h1>{t("cannotOpen")}</h1>
      <p dir="auto">{reason}</p>
      <p class="buttons">
        <button class="primary" onClick={() => location.reload()}>
          {t("retry")}
        </button>
        <button onClick={() => void forgetSession().then(() => location.reload())}>{t("signOut")}</button>
      </p>
    </main>
  );
}

const found = document.getElementById("page");
if (found === null) throw new Error("the page has no place for its content");
const root = found;
render(<Page />, root);
if (session.value !== undefined) void openChat(session.value);
void registerWorker();
