/**
 * Two devices, or two people, scan a code or compare seven emoji: then each knows that nobody stands between them.
 * Sources: Matrix client-server API v1.19, "Short Authentication String (SAS) verification", "QR codes".
 */
import { useEffect, useRef, useState } from "preact/hooks";
import {
  VerificationPhase,
  VerificationRequestEvent,
  VerifierEvent,
  type ShowQrCodeCallbacks,
  type ShowSasCallbacks,
  type VerificationRequest,
  type Verifier,
} from "matrix-js-sdk/lib/crypto-api/index.js";
import { Dialog } from "../ui/dialog.jsx";
import { attempt, tell } from "../ui/toasts.jsx";
import { t } from "../words/words.js";
import { useChat } from "./context.js";
import { shortName } from "./describe.js";
import { SAS } from "./encryption.js";
import { sasName } from "./sas-names.js";
import { useWays, WaysToVerify } from "./verification-ways.jsx";

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
  const { encryption } = useChat();
  const phase = usePhase(request);
  const ways = useWays(request, phase === VerificationPhase.Ready, encryption.hasCamera);
  const { sas, scanned, verify } = useVerifier(request, phase);
  const [hasAnswered, setAnswered] = useState(false);
  const [hasScanned, setScanned] = useState(false);
  // Of several codes in one picture the first counts.
  const isTaken = useRef(false);
  const isEmojiAlone = ways !== undefined && ways.code === undefined && !ways.mayScan;
  const compare = () => attempt(request.startVerification(SAS).then(verify));
  useEffect(() => {
    // Whoever asked begins to compare; the other one follows.
    if (isEmojiAlone && request.initiatedByMe) compare();
  }, [isEmojiAlone]);
  const scan = (bytes: Uint8ClampedArray) => {
    if (isTaken.current) return;
    isTaken.current = true;
    setScanned(true);
    request.scanQRCode(bytes).then(verify, (error: unknown) => {
      // Another key than the one that is known, or another verification's: somebody may stand between them.
      console.warn("the code does not fit", error);
      attempt(request.cancel());
    });
  };
  const isOver = phase === VerificationPhase.Done || phase === VerificationPhase.Cancelled;
  const close = () => {
    if (!isOver) attempt(request.cancel());
    onClose();
  };
  const refuse = (say: () => void) => {
    say();
    onClose();
  };
  const agree = (say: () => void) => {
    setAnswered(true);
    say();
  };
  useEffect(() => {
    if (phase !== VerificationPhase.Done) return;
    tell(request.isSelfVerification ? t("deviceVerified") : t("personVerified"));
    onClose();
  }, [phase]);
  const who = request.isSelfVerification ? t("otherDevice") : shortName(request.otherUserId);
  return (
    <Dialog title={t("verification")} class="verification" onClose={close}>
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
            <Verdict
              no={t("differ")}
              yes={t("same")}
              onNo={() => refuse(() => sas.mismatch())}
              onYes={() => agree(() => attempt(sas.confirm()))}
            />
          </>
        ) : scanned !== undefined && !hasAnswered ? (
          <>
            <p>{t("wasScanned")}</p>
            <Verdict
              no={t("no")}
              yes={t("yes")}
              onNo={() => refuse(() => scanned.cancel())}
              onYes={() => agree(() => scanned.confirm())}
            />
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
        ) : phase === VerificationPhase.Ready && ways !== undefined && !isEmojiAlone && !hasScanned ? (
          <WaysToVerify ways={ways} onCode={scan} onEmoji={compare} />
        ) : hasScanned ? (
          <p aria-busy="true">{t("confirmThere")}</p>
        ) : (
          <p aria-busy="true">{hasAnswered ? t("waitingForAnswer") : t("waitingFor", { name: who })}</p>
        )}
      </div>
    </Dialog>
  );
}

interface VerdictProps {
  readonly no: string;
  readonly yes: string;
  readonly onNo: () => void;
  readonly onYes: () => void;
}

function Verdict({ no, yes, onNo, onYes }: VerdictProps) {
  return (
    <footer>
      <button class="danger" onClick={onNo}>
        {no}
      </button>
      <button class="primary" onClick={onYes}>
        {yes}
      </button>
    </footer>
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

interface Verifying {
  /** What both are to compare. */
  readonly sas: ShowSasCallbacks | undefined;
  /** The other one says that it has scanned this one's code. */
  readonly scanned: ShowQrCodeCallbacks | undefined;
  /** Goes on with what was begun here; what the other one begins is gone on with by itself. */
  readonly verify: (verifier: Verifier) => void;
}

function useVerifier(request: VerificationRequest, phase: VerificationPhase): Verifying {
  const [sas, setSas] = useState<ShowSasCallbacks>();
  const [scanned, setScanned] = useState<ShowQrCodeCallbacks>();
  const [verifier, setVerifier] = useState<Verifier | undefined>(request.verifier);
  useEffect(() => {
    if (phase === VerificationPhase.Started) setVerifier(request.verifier);
  }, [phase]);
  useEffect(() => {
    if (verifier === undefined) return undefined;
    const show = (callbacks: ShowSasCallbacks) => setSas(callbacks);
    const ask = (callbacks: ShowQrCodeCallbacks) => setScanned(callbacks);
    verifier.on(VerifierEvent.ShowSas, show);
    verifier.on(VerifierEvent.ShowReciprocateQr, ask);
    const known = verifier.getShowSasCallbacks();
    if (known !== null) setSas(known);
    verifier.verify().catch((error: unknown) => console.info("not verified", error));
    return () => {
      verifier.off(VerifierEvent.ShowSas, show);
      verifier.off(VerifierEvent.ShowReciprocateQr, ask);
    };
  }, [verifier]);
  return { sas, scanned, verify: setVerifier };
}
