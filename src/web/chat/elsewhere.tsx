import { t } from "../words/words.js";

/** What a tab shows while another one has the chat. */
export function Elsewhere({ onUseHere }: { readonly onUseHere: () => void }) {
  return (
    <main class="notice">
      <h1>{t("elsewhere")}</h1>
      <p>{t("elsewhereText")}</p>
      <button class="primary" onClick={onUseHere}>
        {t("useHere")}
      </button>
    </main>
  );
}
