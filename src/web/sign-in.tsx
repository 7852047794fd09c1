/**
 * The first screen: sign in, or make an account with an invitation. It is all that is loaded until then.
 */
import { useEffect, useId, useState } from "preact/hooks";
import { ApiError, OfflineError, call } from "./api.js";
import { route } from "./route.js";
import { keepSession, register, signIn, type Session } from "./session.js";
import { t } from "./words/words.js";
import { field } from "./ui/field.js";

export interface SignInProps {
  /** Called once the session is kept. */
  readonly onSignedIn: (session: Session) => Promise<void>;
}

export function SignIn({ onSignedIn }: SignInProps) {
  const invitation = route.value.name === "join" ? route.value.token : undefined;
  const [isNew, setNew] = useState(invitation !== undefined);
  const [trouble, setTrouble] = useState(takeNotice());
  const [isBusy, setBusy] = useState(false);
  const { server, registration } = useAbout();

  const submit = async (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    event.preventDefault();
    const form = event.currentTarget;
    if (isNew && field(form, "password") !== field(form, "again")) return setTrouble(t("passwordsDiffer"));
    setBusy(true);
    setTrouble(undefined);
    try {
      const user = field(form, "user").trim();
      const token = field(form, "token").trim();
      const session = isNew
        ? await register({ user, password: field(form, "password"), ...(token !== "" && { token }) })
        : await signIn(user, field(form, "password"));
      keepSession(session);
      if (route.value.name === "join") location.hash = "";
      await onSignedIn(session);
    } catch (error) {
      setTrouble(explain(error, isNew));
      setBusy(false);
    }
  };

  return (
    <main class="sign-in">
      <form onSubmit={(event) => void submit(event)} aria-busy={isBusy}>
        <h1 dir="auto">{isNew && invitation !== undefined ? t("invited") : t("signInTo", { server })}</h1>
        {isNew && <p>{t("invitedText")}</p>}
        {isNew && invitation === undefined && registration === "token" && (
          <Field name="token" label={t("invitation")} autocomplete="off" />
        )}
        {invitation !== undefined && <input type="hidden" name="token" value={invitation} />}
        <Field
          name="user"
          label={t("accountName")}
          hint={isNew ? t("accountNameHint") : undefined}
          autocomplete="username"
        />
        <Field
          name="password"
          label={t("password")}
          type="password"
          autocomplete={isNew ? "new-password" : "current-password"}
        />
        {isNew && (
          <Field name="again" label={t("passwordAgain")} type="password" autocomplete="new-password" />
        )}
        <p class="trouble" role="alert">
          {trouble}
        </p>
        <button class="primary" disabled={isBusy}>
          {isNew ? t("createAccount") : t("signIn")}
        </button>
        {registration !== "closed" && (
          <button type="button" class="plain" onClick={() => setNew(!isNew)}>
            {t(isNew ? "haveAccount" : registration === "open" ? "noAccount" : "newAccount")}
          </button>
        )}
      </form>
    </main>
  );
}

/** Why one is here again, said once. */
function takeNotice(): string | undefined {
  const notice = sessionStorage.getItem("imcloud.notice") ?? undefined;
  sessionStorage.removeItem("imcloud.notice");
  return notice;
}

interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly type?: "text" | "password";
  readonly hint?: string | undefined;
  readonly autocomplete: string;
}

function Field({ name, label, type = "text", hint, autocomplete }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        {...{ id, name, autocomplete }}
        // Twice the same, as each kind of field has properties of its own.
        {...(type === "password" ? { type } : { type })}
        required
        autocapitalize="none"
        spellcheck={false}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
      />
      {hint !== undefined && <small id={`${id}-hint`}>{hint}</small>}
    </div>
  );
}

interface About {
  /** The cloud's own name, which need not be the address; the address until it is known. */
  readonly server: string;
  readonly registration: "open" | "token" | "closed";
}

function useAbout(): About {
  const [about, setAbout] = useState<About>({ server: location.hostname, registration: "token" });
  useEffect(() => {
    call<{ server_name: string; registration: About["registration"] }>("/_imcloud/about").then(
      ({ server_name, registration }) => setAbout({ server: server_name, registration }),
      (error: unknown) => console.info("the server says nothing of itself", error),
    );
  }, []);
  return about;
}

function explain(error: unknown, isNew: boolean): string {
  if (error instanceof OfflineError) return t("noAnswer");
  if (!(error instanceof ApiError)) throw error;
  switch (error.code) {
    case "M_LIMIT_EXCEEDED":
      return t("tooMany", { seconds: Math.ceil(Number(error.body["retry_after_ms"] ?? 1_000) / 1_000) });
    case "M_USER_IN_USE":
      return t("nameTaken");
    case "M_INVALID_USERNAME":
      return t("nameInvalid");
    case "M_FORBIDDEN":
      if (error.status !== 401) return t(isNew ? "usedUp" : "wrongPassword");
      return error.message === t("needsInvitation") ? error.message : t("wrongInvitation");
    default:
      return error.status === 401 ? t("wrongInvitation") : t("failed", { reason: error.message });
  }
}
