import { useSignal } from "@preact/signals";
import { t } from "../words/words.js";
import { useChat } from "./context.js";
import { RecoveryDialog } from "./recovery.jsx";
import { VerifyDeviceDialog } from "./verify-device.jsx";

/** Says what is still to be done for the encryption: verify this device, or keep a recovery key. */
export function TrustBar() {
  const { encryption } = useChat();
  const isOpen = useSignal(false);
  const isPutOff = useSignal(sessionStorage.getItem("imcloud.later") !== null);
  const { value: trust } = encryption.trust;
  if (encryption.state.value === "none") return <div class="bar">{t("noEncryption")}</div>;
  if (trust === undefined || isPutOff.value || (trust.isVerified && trust.hasRecovery)) return null;
  const later = () => {
    sessionStorage.setItem("imcloud.later", "yes");
    isPutOff.value = true;
  };
  return (
    <div class="bar" role="status">
      <span>{trust.isVerified ? t("keepRecovery") : t("verifyDevice")}</span>
      <button onClick={() => (isOpen.value = true)}>{trust.isVerified ? t("setUp") : t("verify")}</button>
      <button class="plain" onClick={later}>
        {t("later")}
      </button>
      {isOpen.value &&
        (trust.isVerified ? (
          <RecoveryDialog onClose={() => (isOpen.value = false)} />
        ) : (
          <VerifyDeviceDialog onClose={() => (isOpen.value = false)} />
        ))}
    </div>
  );
}
