/**
 * Where the administrators' page begins. It shares the session with the chat, and nothing else: it starts neither the
 * chat nor its cryptography.
 */
import { render } from "preact";
import { SignIn } from "../sign-in.js";
import type { Session } from "../session.js";
import { usePageLook } from "../ui/theme.js";
import { Gate } from "./app.jsx";
import { session } from "./server.js";
import "../style.css";
import "./admin.css";

function Page() {
  usePageLook();
  return session.value === undefined ? <SignIn onSignedIn={signedIn} /> : <Gate />;
}

function signedIn(fresh: Session): Promise<void> {
  session.value = fresh;
  return Promise.resolve();
}

const root = document.getElementById("page");
if (root === null) throw new Error("the page has no place for its content");
render(<Page />, root);
