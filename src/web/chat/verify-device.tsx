import { useSignal } from "@preact/signals";
import { Dialog } from "../ui/dialog.jsx";
import { attempt, tell } from "../ui/toasts.jsx";
import { t } from "../words/words.js";
import { useChat } from "./context.js";
import { field } from "../ui/field.js";

/** The ways in which a new device becomes one of the account's: another one of them, or the recovery key. */
export function VerifyDeviceDialog({ onClose }: { readonly onClose: () => void }) {
  const { encryption } = useChat();
  const isBusy = useSignal(false);
  const trouble = useSignal("");
  const recover = async (key: string) => {
    isBusy.value = true;
    trouble.value = "";
    try {
      await encryption.recover(key);
      tell(t("deviceVerified"));
      onClose();
    } catch (error) {
      console.info("the recovery key did not fit", error);
      trouble.value = t("wrongRecoveryKey");
    } finally {
      isBusy.value = false;
    }
  };
  const ask = async () => {
    await encryption.verifyThisDevice();
    onClose();
  };
  return (
    <Dialog title={t("verifyThisDevice")} onClose={onClose}>
      <div class="stack">
        <p>{t("verifyText")}</p>
        <button class="primary" onClick={() => attempt(ask())}>
          {t("withOtherDevice")}
        </button>
        {encryption.trust.value?.hasRecovery === true && (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              void recover(field(event.currentTarget, "key"));
            }}
          >
            <label>
              {t("recoveryKey")}
              <input name="key" required autocomplete="off" spellcheck={false} autocapitalize="none" />
            </label>
            <p class="trouble" role="alert">
              {trouble.value}
            </p>
            <button disabled={isBusy.value}>{t("withRecoveryKey")}</button>
          </form>
        )}
      </div>
    </Dialog>
  );
}
