/**
 * How two screens that are ready may verify each other: one scans the code that the other shows, or both show emoji.
 * Source: Matrix client-server API v1.19, "QR codes".
 */
import { useSignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import type { VerificationRequest } from "matrix-js-sdk/lib/crypto-api/index.js";
import type { QrCode as Code } from "../../shared/qr-code.js";
import { QrCode } from "../ui/qr.jsx";
import { t } from "../words/words.js";
import { SCAN_CODE, SHOW_CODE } from "./encryption.js";
import { Scanner } from "./scanner.jsx";

export interface Ways {
  /** What the other one may scan here. */
  readonly code: Code | undefined;
  /** The other one shows a code, and there is a camera here. */
  readonly mayScan: boolean;
}

/**
 * @param isReady whether both sides have agreed to verify
 * @returns undefined until it is known
 */
export function useWays(
  request: VerificationRequest,
  isReady: boolean,
  hasCamera: boolean,
): Ways | undefined {
  const [ways, setWays] = useState<Ways>();
  useEffect(() => {
    if (!isReady) return;
    const mayScan = hasCamera && request.otherPartySupportsMethod(SHOW_CODE);
    codeOf(request).then(
      (code) => setWays({ code, mayScan }),
      (error: unknown) => {
        console.warn("there is no code to show", error);
        setWays({ code: undefined, mayScan });
      },
    );
  }, [request, isReady]);
  return ways;
}

async function codeOf(request: VerificationRequest): Promise<Code | undefined> {
  if (!request.otherPartySupportsMethod(SCAN_CODE)) return undefined;
  const bytes = await request.generateQRCode();
  if (bytes === undefined) return undefined;
  const { qrCodeOfBytes } = await import("../../shared/qr-code.js");
  return qrCodeOfBytes(bytes);
}

interface WaysToVerifyProps {
  readonly ways: Ways;
  readonly onCode: (bytes: Uint8ClampedArray) => void;
  readonly onEmoji: () => void;
}

export function WaysToVerify({ ways: { code, mayScan }, onCode, onEmoji }: WaysToVerifyProps) {
  const isScanning = useSignal(false);
  const trouble = useSignal("");
  const scan = () => {
    trouble.value = "";
    isScanning.value = true;
  };
  const found = (bytes: Uint8ClampedArray) => {
    if (isVerification(bytes)) onCode(bytes);
    else trouble.value = t("anotherCode");
  };
  return (
    <>
      {isScanning.value ? (
        <>
          <p>{t("holdBefore")}</p>
          <Scanner
            onCode={found}
            onTrouble={() => {
              isScanning.value = false;
              trouble.value = t("noCamera");
            }}
          />
        </>
      ) : (
        code !== undefined && (
          <>
            <p>{t("scanThis")}</p>
            <QrCode code={code} label={t("verificationCode")} />
          </>
        )
      )}
      <p class="trouble" role="alert">
        {trouble.value}
      </p>
      <footer>
        <button onClick={onEmoji}>{t("compareEmojiInstead")}</button>
        {isScanning.value ? (
          <button onClick={() => (isScanning.value = false)}>{t("stopScanning")}</button>
        ) : (
          mayScan && (
            <button class="primary" onClick={scan}>
              {t("scanThere")}
            </button>
          )
        )}
      </footer>
    </>
  );
}

/** What codes for verification begin with. */
const BEGINNING = [..."MATRIX"].map((letter) => letter.charCodeAt(0));

const isVerification = (bytes: Uint8ClampedArray): boolean =>
  BEGINNING.every((byte, index) => bytes[index] === byte);
