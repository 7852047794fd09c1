/** How long things stay. It is read here and changed where the rest of the configuration is. */
import { useLoaded } from "./loading.js";
import { Facts, Screen, Waiting } from "./parts.jsx";
import type { Settings } from "./server.js";
import type { AdminWord } from "../words/admin-en.js";
import { many, t } from "./words.js";

const EXAMPLE = `vars:
  retention:
    enabled: true
    messageDays: 365
    mediaDays: 90`;

export function Retention() {
  const settings = useLoaded<Settings>("/settings");
  return (
    <Screen title={t("retention")}>
      <p>{t("retentionText")}</p>
      {settings.data === undefined ? (
        <Waiting error={settings.error} onRetry={settings.reload} />
      ) : (
        <Rules retention={settings.data.retention} />
      )}
      <section>
        <p>{t("retentionHow")}</p>
        <pre class="box code" tabIndex={0}>
          {EXAMPLE}
        </pre>
        <p class="quiet">{t("retentionRoom")}</p>
      </section>
    </Screen>
  );
}

function Rules({ retention }: Pick<Settings, "retention">) {
  if (!retention.enabled) return <p class="box">{t("retentionOff")}</p>;
  const days = (count: number | undefined, none: AdminWord) =>
    count === undefined ? t(none) : many(count, "daysOne", "daysMany");
  return (
    <>
      <p>{t("retentionOn")}</p>
      <Facts
        facts={[
          [t("messageDays"), days(retention.message_days, "forEver")],
          [t("leastMessageDays"), days(retention.least_message_days, "noBound")],
          [t("mostMessageDays"), days(retention.most_message_days, "noBound")],
          [t("mediaDays"), days(retention.media_days, "forEver")],
        ]}
      />
    </>
  );
}
