/**
 * Reading a QR code with the camera. The browsers' own `BarcodeDetector`, where there is one, gives text, which bytes
 * that are no text do not survive; so a library reads it, which is loaded along with the camera.
 * Sources: Media Capture and Streams (W3C); ISO/IEC 18004.
 */
import { useEffect, useRef } from "preact/hooks";
import { t } from "../words/words.js";

export interface ScannerProps {
  /** Called for every code in view, several times a second. */
  readonly onCode: (bytes: Uint8ClampedArray) => void;
  /** There is no camera, or it may not be used. */
  readonly onTrouble: () => void;
}

/** Between two looks at the picture, and its longer side then, in milliseconds and pixels. */
const LOOK_MS = 120;
const LONGEST_SIDE = 800;

export function Scanner({ onCode, onTrouble }: ScannerProps) {
  const video = useRef<HTMLVideoElement>(null);
  const latest = useRef({ onCode, onTrouble });
  latest.current = { onCode, onTrouble };
  useEffect(() => {
    const stop = new AbortController();
    if (video.current !== null)
      scan(video.current, (bytes) => latest.current.onCode(bytes), stop.signal).catch((error: unknown) => {
        console.info("no camera", error);
        if (!stop.signal.aborted) latest.current.onTrouble();
      });
    return () => stop.abort();
  }, []);
  return <video ref={video} class="scanner" muted playsInline aria-label={t("cameraPicture")} />;
}

/**
 * Looks through the camera until it is told to stop, and then gives it back.
 *
 * @throws DOMException when there is none, or it may not be used
 */
async function scan(
  video: HTMLVideoElement,
  onCode: (bytes: Uint8ClampedArray) => void,
  signal: AbortSignal,
): Promise<void> {
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { facingMode: "environment", width: { ideal: 1_280 }, height: { ideal: 720 } },
  });
  try {
    if (signal.aborted) return;
    const { decodeQRBatch } = await import("qr/decode.js");
    video.srcObject = stream;
    await video.play();
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (context === null) throw new Error("this browser draws nothing");
    while (!signal.aborted) {
      const image = pictureOf(video, canvas, context);
      const [found = []] = await decodeQRBatch([image], {
        maxSize: { width: image.width, height: image.height },
        textDecoder: asCharacters,
      });
      // What is no code is an error among the results.
      for (const code of found) if (typeof code === "string" && !signal.aborted) onCode(asBytes(code));
      await pause(LOOK_MS, signal);
    }
  } catch (error) {
    // Playing is broken off where the dialog is closed meanwhile.
    if (!signal.aborted) throw error;
  } finally {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  }
}

function pictureOf(
  video: HTMLVideoElement,
  canvas: HTMLCanvasElement,
  context: CanvasRenderingContext2D,
): ImageData {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(video.videoWidth, video.videoHeight));
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  context.drawImage(video, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** A character for each byte, whichever alphabet the code names: so nothing is lost on the way through a text. */
const asCharacters = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
const asBytes = (characters: string): Uint8ClampedArray =>
  Uint8ClampedArray.from(characters, (character) => character.charCodeAt(0));

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
