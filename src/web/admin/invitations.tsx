/** Registration tokens: whoever has one makes an account. */
import { useState } from "preact/hooks";
import { confirm } from "../ui/dialog.jsx";
import { attempt, tell } from "../ui/toasts.jsx";
import { briefly, day } from "../ui/when.js";
import { showCards } from "./cards.js";
import { useLoaded } from "./loading.js";
import { Copyable, Facts, Field, Form, Screen, Table, Waiting } from "./parts.jsx";
import { qrCodeOf } from "../../shared/qr-code.js";
import { QrCode } from "../ui/qr.jsx";
import { ask, part, type Invitation, type Settings, type Token } from "./server.js";
import { number, t } from "./words.js";

const DAY_MS = 86_400_000;
/** At once: a large school's classes have fewer. */
const MOST = 200;

export function Invitations() {
  const tokens = useLoaded<{ tokens: readonly Token[] }>("/registration-tokens");
  const settings = useLoaded<Settings>("/settings");
  const [made, setMade] = useState<readonly Invitation[]>([]);

  const make = async (field: (name: string) => string) => {
    const [uses, days] = [Number(field("uses")), Number(field("days"))];
    const body = {
      ...(uses > 0 && { uses }),
      ...(days > 0 && { expires_at: Date.now() + Math.round(days * DAY_MS) }),
    };
    const fresh: Invitation[] = [];
    try {
      for (let count = Number(field("count")) || 1; count > 0; count -= 1)
        fresh.push(await ask<Invitation>("POST", "/invitations", body));
    } finally {
      setMade(fresh);
      tokens.reload();
    }
  };

  const mode = settings.data?.registration;
  return (
    <Screen title={t("tokens")}>
      <p>{t("tokensText")}</p>
      {mode === "closed" && <p class="box is-warning">{t("closedRegistration")}</p>}
      {mode === "open" && <p class="box">{t("openRegistration")}</p>}
      {mode === "token" && (
        <Form class="box inline-form" label={t("newTokens")} onSubmit={(field) => attempt(make(field))}>
          <Field name="count" type="number" min={1} max={MOST} value="1" label={t("howMany")} />
          <Field name="uses" type="number" min={1} value="1" label={t("uses")} hint={t("usesHint")} />
          <Field name="days" type="number" min={1} value="7" label={t("days")} hint={t("daysHint")} />
          <button class="primary">{t("makeTokens")}</button>
        </Form>
      )}
      {made.length > 0 && <Made invitations={made} />}
      {tokens.data === undefined ? (
        <Waiting error={tokens.error} onRetry={tokens.reload} />
      ) : (
        <List tokens={tokens.data.tokens} onChanged={tokens.reload} />
      )}
    </Screen>
  );
}

function Made({ invitations }: { readonly invitations: readonly Invitation[] }) {
  const [first] = invitations;
  const only = invitations.length === 1 ? first : undefined;
  return (
    <section class="box made" aria-live="polite">
      <div class="stack">
        <h2>{only === undefined ? t("madeTokens", { n: number(invitations.length) }) : t("madeToken")}</h2>
        {only !== undefined && (
          <>
            <Copyable label={t("link")} text={only.link} />
            <Copyable label={t("token")} text={only.token} />
          </>
        )}
        {first?.fingerprint !== undefined && (
          <Facts
            facts={[[t("fingerprint"), <span class="code fingerprint">{first.fingerprint.join("\n")}</span>]]}
          />
        )}
        {first?.trouble !== undefined && (
          <p class="trouble" lang="en">
            {first.trouble}
          </p>
        )}
        <p class="quiet">{t("shownOnce")}</p>
        <div class="actions-bar">
          <button
            type="button"
            onClick={() => showCards(invitations.map(({ link }) => ({ kind: "invitation", link })))}
          >
            {t("printSheets")}
          </button>
        </div>
      </div>
      {only !== undefined && <QrCode code={qrCodeOf(only.link)} label={only.link} />}
    </section>
  );
}

function List({ tokens, onChanged }: { readonly tokens: readonly Token[]; readonly onChanged: () => void }) {
  const takeBack = async (id: string) => {
    if (!(await confirm(t("takeBack"), t("takeBackText"), t("takeBack")))) return;
    await ask("DELETE", `/registration-tokens/${part(id)}`);
    tell(t("done_"));
    onChanged();
  };
  return (
    <Table
      caption={t("tokens")}
      columns={[t("tokenId"), t("used"), t("expires"), t("since"), t("actions")]}
      rows={tokens.map(({ id, used, uses, expires_at: end, created_at: at }) => [
        id,
        <span class="code">{id}</span>,
        t("usedOf", { used: number(used), uses: uses === undefined ? t("unlimited") : number(uses) }),
        end === undefined ? t("never") : end < Date.now() ? t("expired") : briefly(end),
        day(at),
        <button type="button" onClick={() => attempt(takeBack(id))}>
          {t("takeBack")}
          <span class="hidden"> {id}</span>
        </button>,
      ])}
    />
  );
}
