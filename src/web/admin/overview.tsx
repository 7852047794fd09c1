/** Whether all is well, and what to do where it is not. */
import type { ComponentChildren } from "preact";
import { clock } from "../ui/when.js";
import { healthInChinese } from "../words/admin-health-zh.js";
import { language } from "../words/words.js";
import { useLoaded } from "./loading.js";
import { FiguresSection } from "./figures.jsx";
import { Screen, Tag, Waiting } from "./parts.jsx";
import type { Finding } from "./server.js";
import { many, named, t } from "./words.js";

interface HealthAnswer {
  readonly at: number;
  readonly findings: readonly Finding[];
}

export function Overview() {
  const health = useLoaded<HealthAnswer>("/health");
  return (
    <Screen
      title={t("overview")}
      actions={
        <button type="button" onClick={health.reload}>
          {t("reload")}
        </button>
      }
    >
      {health.data === undefined ? (
        <Waiting error={health.error} onRetry={health.reload} />
      ) : (
        <Health health={health.data} />
      )}
      <FiguresSection />
    </Screen>
  );
}

function Health({ health: { at, findings } }: { readonly health: HealthAnswer }) {
  const bad = findings.filter(({ verdict }) => verdict === "warning" || verdict === "critical").length;
  return (
    <section>
      <header class="section-head">
        <h2>{t("health")}</h2>
        <p role="status">
          <strong>{bad === 0 ? t("allWell") : many(bad, "needsOne", "needsMany")}</strong>{" "}
          <span class="quiet">{t("looked", { time: clock(at) })}</span>
        </p>
      </header>
      <ul class="findings">
        {findings.map((finding) => (
          <FindingLine key={finding.check} finding={finding} />
        ))}
      </ul>
    </section>
  );
}

/** What stands between backticks is to be typed. */
const withCommands = (text: string): ComponentChildren =>
  text.split("`").map((piece, index) => (index % 2 === 1 ? <code key={index}>{piece}</code> : piece));

/** What the server says, which is in English, in the language of the page where that is known. */
function Said({ text }: { readonly text: string }) {
  const translated = language.value === "zh" ? healthInChinese(text) : undefined;
  return <span lang={translated === undefined ? "en" : undefined}>{withCommands(translated ?? text)}</span>;
}

const FindingLine = ({ finding }: { readonly finding: Finding }) => (
  <li class="box">
    <Tag kind={finding.verdict}>{t(`verdict_${finding.verdict}`)}</Tag>
    <strong>{named("check", finding.check, finding.title)}</strong>
    {finding.measured !== undefined && <span class="measured">{finding.measured}</span>}
    <p>
      <Said text={finding.summary} />
    </p>
    {finding.threshold !== undefined && <p class="quiet">{t("threshold", { value: finding.threshold })}</p>}
    {finding.hint !== undefined && finding.verdict !== "ok" && (
      <p class="hint">
        {t("whatToDo")} <Said text={finding.hint} />
      </p>
    )}
  </li>
);
