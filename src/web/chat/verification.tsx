/**
 * Two devices, or two people, compare seven emoji: then each knows that nobody stands between them.
 * Source: Matrix client-server API v1.19, "Short Authentication String (SAS) verification".
 */
import { useEffect, useState } from "preact/hooks";
import {
  VerificationPhase,
  VerificationRequestEvent,
  VerifierEvent,
  type ShowSasCallbacks,
  type VerificationRequest,
  type Verifier,
} from "matrix-js-sdk/lib/crypto-api/index.js";
import { Dialog } from "../ui/dialog.jsx";
import { attempt, tell } from "../ui/toasts.jsx";
import { t } from "../words/words.js";
import { useChat } from "./context.js";
import { shortName } from "./describe.js";
import { sasName } from "./sas-names.js";

/** Where verifications are answered, whoever began them: once on a page. */
export function Verification() {
  const { encryption } = useChat();
  const { value: request } = encryption.request;
  if (request === undefined) return null;
  return (
    <VerificationDialog
      key={request.transactionId}
      request={request}
      onClose={() => (encryption.request.value = undefined)}
    />
  );
}

interface VerificationDialogProps {
  readonly request: VerificationRequest;
  readonly onClose: () => void;
}

function VerificationDialog({ request, onClose }: VerificationDialogProps) {
  const phase = usePhase(request);
  const sas = useSas(request, phase);
  const [hasAnswered, setAnswered] = useState(false);
  const isOver = phase === VerificationPhase.Done || phase === VerificationPhase.Cancelled;
  const close = () => {
    if (!isOver) attempt(request.cancel());
    onClose();
  };
  useEffect(() => {
    if (phase !== VerificationPhase.Done) return;
    tell(request.isSelfVerification ? t("deviceVerified") : t("personVerified"));
    onClose();
  }, [phase]);
  const who = request.isSelfVerification ? t("otherDevice") : shortName(request.otherUserId);
  return (
    <Dialog title={t("verification")} onClose={close}>
      <div class="stack">
        {phase === VerificationPhase.Cancelled ? (
          <p>{t("verificationCancelled")}</p>
        ) : sas !== undefined && !hasAnswered ? (
          <>
            <p>{t("compareEmoji")}</p>
            <ol class="sas">
              {sas.sas.emoji?.map(([emoji, name], index) => (
                <li key={index}>
                  <span aria-hidden="true">{emoji}</span>
                  <small>{sasName(name)}</small>
                </li>
              ))}
            </ol>
            <footer>
              <button
                class="danger"
                onClick={() => {
                  sas.mismatch();
                  onClose();
                }}
              >
                {t("differ")}
              </button>
              <button
                class="primary"
                onClick={() => {
                  setAnswered(true);
                  attempt(sas.confirm());
                }}
              >
                {t("same")}
              </button>
            </footer>
          </>
        ) : phase === VerificationPhase.Requested && !request.initiatedByMe ? (
          <>
            <p dir="auto">{t("wantsToVerify", { name: who })}</p>
            <footer>
              <button onClick={close}>{t("decline")}</button>
              <button class="primary" onClick={() => attempt(request.accept())}>
                {t("accept")}
              </button>
            </footer>
          </>
        ) : (
          <p aria-busy="true">{hasAnswered ? t("waitingForAnswer") : t("waitingFor", { name: who })}</p>
        )}
      </div>
    </Dialog>
  );
}

function usePhase(request: VerificationRequest): VerificationPhase {
  const [phase, setPhase] = useState(request.phase);
  useEffect(() => {
    const look = () => setPhase(request.phase);
    request.on(VerificationRequestEvent.Change, look);
    look();
    return () => void request.off(VerificationRequestEvent.Change, look);
  }, [request]);
  return phase;
}

/** Whoever asked begins to compare; the other one follows. */
function useSas(request: VerificationRequest, phase: VerificationPhase): ShowSasCallbacks | undefined {
  const [sas, setSas] = useState<ShowSasCallbacks>();
  const [verifier, setVerifier] = useState<Verifier | undefined>(request.verifier);
  useEffect(() => {
    if (phase === VerificationPhase.Ready && request.initiatedByMe)
      attempt(request.startVerification("m.sas.v1").then(setVerifier));
    if (phase === VerificationPhase.Started) setVerifier(request.verifier);
  }, [phase]);
  useEffect(() => {
    if (verifier === undefined) return undefined;
    const show = (callbacks: ShowSasCallbacks) => setSas(callbacks);
    verifier.on(VerifierEvent.ShowSas, show);
    const known = verifier.getShowSasCallbacks();
    if (known !== null) setSas(known);
    verifier.verify().catch((error: unknown) => console.info("not verified", error));
    return () => void verifier.off(VerifierEvent.ShowSas, show);
  }, [verifier]);
  return sas;
}
