import { useSignal } from "@preact/signals";
import { t } from "../words/words.js";
import { useChat } from "./context.js";
import { RecoveryDialog } from "./recovery.jsx";
import { VerifyDeviceDialog } from "./verify-device.jsx";

/** Says what is still to be done for the encryption: verify this device, or keep a recovery key. */
export function TrustBar() {
  const { encryption } = useChat();
  const isOpen = useSignal<"recovery" | "verify" | undefined>(undefined);
  const isPutOff = useSignal(sessionStorage.getItem("imcloud.later") !== null);
  const { value: trust } = encryption.trust;
  if (encryption.state.value === "none") return <div class="bar">{t("noEncryption")}</div>;
  if (trust === undefined || isPutOff.value) return null;
  // What is open shows what it has made, also once nothing is left to do.
  if (isOpen.value === undefined && trust.isVerified && trust.hasRecovery) return null;
  const close = () => (isOpen.value = undefined);
  const later = () => {
    sessionStorage.setItem("imcloud.later", "yes");
    isPutOff.value = true;
  };
  return (
    <div class="bar" role="status">
      <span>{trust.isVerified ? t("keepRecovery") : t("verifyDevice")}</span>
      <button onClick={() => (isOpen.value = trust.isVerified ? "recovery" : "verify")}>
        {trust.isVerified ? t("setUp") : t("verify")}
      </button>
      <button class="plain" onClick={later}>
        {t("later")}
      </button>
      {isOpen.value === "recovery" && <RecoveryDialog onClose={close} />}
      {isOpen.value === "verify" && <VerifyDeviceDialog onClose={close} />}
    </div>
  );
}
