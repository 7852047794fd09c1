import { useSignal } from "@preact/signals";
import { Dialog } from "../ui/dialog.jsx";
import { copy } from "../ui/copy.js";
import { attempt } from "../ui/toasts.jsx";
import { t } from "../words/words.js";
import { useChat } from "./context.js";

/** Makes the recovery key, and shows it once. */
export function RecoveryDialog({ onClose }: { readonly onClose: () => void }) {
  const { encryption } = useChat();
  const key = useSignal<string | undefined>(undefined);
  const isBusy = useSignal(false);
  const make = async () => {
    isBusy.value = true;
    try {
      key.value = await encryption.setUpRecovery();
    } finally {
      isBusy.value = false;
    }
  };
  return (
    <Dialog title={t("recoveryKey")} onClose={onClose} isFirm={isBusy.value || key.value !== undefined}>
      <div class="stack">
        <p>{t("recoveryText")}</p>
        {key.value === undefined ? (
          <button class="primary" disabled={isBusy.value} onClick={() => attempt(make())}>
            {t("makeRecoveryKey")}
          </button>
        ) : (
          <>
            <p class="key" translate={false}>
              {key.value}
            </p>
            <p>{t("recoveryWriteDown")}</p>
            <footer>
              <button onClick={() => attempt(copy(key.value ?? ""))}>{t("copy")}</button>
              <button class="primary" onClick={onClose}>
                {t("done")}
              </button>
            </footer>
          </>
        )}
      </div>
    </Dialog>
  );
}
