/** Accounts from a table, with a report on every line. */
import { useState } from "preact/hooks";
import { attempt } from "../ui/toasts.jsx";
import { showCards, type Card } from "./cards.js";
import { useLoaded } from "./loading.js";
import type { BadLine, Wanted } from "./csv.js";
import { Form, Screen, Table, textIn, troubleOf } from "./parts.jsx";
import { makePassword } from "./passwords.js";
import { to } from "./place.js";
import { ask, part, type Settings } from "./server.js";
import { number, t } from "./words.js";

interface Line {
  readonly line: number;
  readonly name: string;
  readonly outcome: "waiting" | "created" | "changed" | "unchanged" | "failed";
  readonly reason?: string;
  /** Only of an account that was made just now. */
  readonly card?: Extract<Card, { kind: "account" }>;
}

const ofBad = ({ line, text, word, values }: BadLine): Line => ({
  ...{ line, name: text },
  outcome: "failed",
  reason: t(word, values),
});

const waiting = ({ line, name }: Wanted): Line => ({ line, name, outcome: "waiting" });

export function ImportScreen() {
  const settings = useLoaded<Settings>("/settings");
  const [lines, setLines] = useState<readonly Line[]>();
  const [isBusy, setBusy] = useState(false);

  const run = async (form: HTMLFormElement) => {
    const { decode, readAccounts } = await import("./csv.js");
    const data = new FormData(form);
    const file = data.get("file");
    const text =
      file instanceof File && file.size > 0 ? decode(await file.arrayBuffer()) : textIn(data, "lines");
    const { wanted, bad } = readAccounts(text);
    let report = [...wanted.map(waiting), ...bad.map(ofBad)].sort((one, other) => one.line - other.line);
    setLines(report);
    setBusy(true);
    for (const account of wanted) {
      const done = await make(account, settings.data?.password_minimum ?? 0);
      report = report.map((line) => (line.line === done.line ? done : line));
      setLines(report);
    }
    setBusy(false);
  };

  const made = (lines ?? []).flatMap(({ card }) => card ?? []);
  return (
    <Screen title={t("importTitle")} back={{ href: to("users"), label: t("users") }}>
      <p>{t("importText")}</p>
      <pre class="box code">name,password,display name,admin{"\n"}ada,,Ada Lovelace,no</pre>
      <Form class="stack" onSubmit={(_field, form) => attempt(run(form))}>
        <label class="field">
          {t("importFile")}
          <input type="file" name="file" accept=".csv,.tsv,.txt,text/csv,text/plain" />
        </label>
        <label class="field">
          {t("importPaste")}
          <textarea name="lines" rows={6} class="code" spellcheck={false} />
        </label>
        <div class="actions-bar">
          <button class="primary" disabled={isBusy}>
            {t("importStart")}
          </button>
          {made.length > 0 && !isBusy && (
            <button type="button" onClick={() => showCards(made)}>
              {t("importSheets")}
            </button>
          )}
        </div>
      </Form>
      {lines !== undefined && <Report lines={lines} isBusy={isBusy} />}
    </Screen>
  );
}

function Report({ lines, isBusy }: { readonly lines: readonly Line[]; readonly isBusy: boolean }) {
  const count = (...outcomes: readonly Line["outcome"][]) =>
    number(lines.filter(({ outcome }) => outcomes.includes(outcome)).length);
  return (
    <section aria-busy={isBusy}>
      <p role="status">
        {!isBusy &&
          t("importSummary", {
            made: count("created"),
            there: count("changed", "unchanged"),
            failed: count("failed"),
            all: number(lines.length),
          })}
      </p>
      <Table
        caption={t("importTitle")}
        columns={[t("importLine"), t("account_"), t("importOutcome"), t("importPassword")]}
        empty={t("importNothing")}
        rows={lines.map(({ line, name, outcome, reason = "", card }) => [
          String(line),
          line,
          <span dir="auto">{name}</span>,
          <span class={outcome === "failed" ? "trouble" : ""}>{outcomeInWords(outcome, reason)}</span>,
          <span class="code">{card?.password}</span>,
        ])}
      />
      {lines.some(({ card }) => card !== undefined) && <p class="quiet">{t("shownOnce")}</p>}
    </section>
  );
}

function outcomeInWords(outcome: Line["outcome"], reason: string): string {
  switch (outcome) {
    case "waiting":
      return t("importWaiting");
    case "created":
      return t("importCreated");
    case "changed":
      return t("importChanged");
    case "unchanged":
      return t("importUnchanged");
    case "failed":
      return t("importFailed", { reason });
  }
}

/** @param least characters of a password */
async function make({ line, name, password, displayName, isAdmin }: Wanted, least: number): Promise<Line> {
  const given = password ?? makePassword(least);
  try {
    const { user_id: userId, outcome } = await ask<{
      user_id: string;
      outcome: "created" | "changed" | "unchanged";
    }>("PUT", `/users/${part(name)}`, {
      password: given,
      admin: isAdmin,
      ...(displayName !== undefined && { display_name: displayName }),
    });
    const card = { kind: "account", name: displayName ?? name, userId, password: given } as const;
    return { line, name, outcome, ...(outcome === "created" && { card }) };
  } catch (error) {
    return { line, name, outcome: "failed", reason: troubleOf(error) };
  }
}
