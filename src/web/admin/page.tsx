/**
 * Where the administrators' page begins.
 */
import { signal } from "@preact/signals";
import { render } from "preact";
import { storedSession, type Session } from "../session.js";
import { SignIn } from "../sign-in.js";
import { useTheme } from "../ui/theme.js";
import { language } from "../words/words.js";
import "../style.css";

const session = signal(storedSession());

function Page() {
  useTheme();
  document.documentElement.lang = language.value;
  if (session.value === undefined)
    return (
      <SignIn
        onSignedIn={(signedIn: Session) => {
          session.value = signedIn;
          return Promise.resolve();
        }}
      />
    );
  return <main class="view" />;
}

const root = document.getElementById("page");
if (root === null) throw new Error("the page has no place for its content");
render(<Page />, root);
