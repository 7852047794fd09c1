/**
 * Cards to print and to cut out: for each new account, or each invitation, one. In both languages, as whoever prints
 * them need not know who reads them.
 */
import { adminEn } from "../words/admin-en.js";
import { adminZh } from "../words/admin-zh.js";
import { cards, type Card } from "./cards.js";
import { useLoaded } from "./loading.js";
import { Screen, Waiting } from "./parts.jsx";
import { qrCodeOf } from "../../shared/qr-code.js";
import { QrCode } from "../ui/qr.jsx";
import type { Settings } from "./server.js";
import type { AdminWord } from "../words/admin-en.js";
import { t } from "./words.js";

export function Sheets() {
  const settings = useLoaded<Settings>("/settings");
  const isEmpty = cards.value.length === 0;
  return (
    <Screen
      title={t("sheets")}
      actions={
        !isEmpty && (
          <button type="button" class="primary" onClick={() => print()}>
            {t("print")}
          </button>
        )
      }
    >
      <p class="quiet not-printed">{isEmpty ? t("noSheets") : t("sheetsText")}</p>
      {settings.data === undefined ? (
        <Waiting error={settings.error} onRetry={settings.reload} />
      ) : (
        <List settings={settings.data} />
      )}
    </Screen>
  );
}

const List = ({ settings }: { readonly settings: Settings }) => (
  <ul class="cards">
    {cards.value.map((card) => (
      <li key={card.kind === "account" ? card.userId : card.link}>
        <Sheet card={card} settings={settings} />
      </li>
    ))}
  </ul>
);

interface SheetProps {
  readonly card: Card;
  readonly settings: Settings;
}

function Sheet({ card, settings: { entrance, fingerprint } }: SheetProps) {
  const isAccount = card.kind === "account";
  const address = isAccount ? entrance : card.link;
  const steps = ["sheetScan", isAccount ? "sheetAccount" : "sheetToken", "sheetNetwork"] as const;
  return (
    <>
      <div class="card-head">
        <div>
          <h2>
            <Both word="sheetTitle" />
          </h2>
          {isAccount && <p dir="auto">{card.name}</p>}
        </div>
        <QrCode code={qrCodeOf(address)} label={address} />
      </div>
      <dl>
        <dt>
          <Both word="sheetAddress" />
        </dt>
        <dd class="code">{address}</dd>
        {isAccount && (
          <>
            <dt>
              <Both word="account_" />
            </dt>
            <dd class="code">{card.userId}</dd>
            <dt>
              <Both word="importPassword" />
            </dt>
            <dd class="code">{card.password}</dd>
          </>
        )}
        {fingerprint !== undefined && (
          <>
            <dt>
              <Both word="fingerprint" />
            </dt>
            <dd class="code fingerprint">{fingerprint.join("\n")}</dd>
          </>
        )}
      </dl>
      {([adminEn, adminZh] as const).map((words, index) => (
        <p key={index} lang={index === 0 ? "en" : "zh"}>
          {steps.map((step) => words[step]).join(" ")}
        </p>
      ))}
    </>
  );
}

const Both = ({ word }: { readonly word: AdminWord }) => (
  <>
    <span lang="en">{adminEn[word]}</span> · <span lang="zh">{adminZh[word]}</span>
  </>
);
