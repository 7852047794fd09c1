/**
 * Recording a voice message. Source: MediaStream Recording (W3C); MSC3245 for what is sent.
 */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { IconButton } from "../ui/icons.jsx";
import { duration } from "../ui/when.js";
import { t } from "../words/words.js";

export interface VoiceRecorderProps {
  /** Without a file: it was thrown away. */
  readonly onDone: (file: File | undefined, length: number, waveform: readonly number[]) => void;
  readonly onTrouble: () => void;
}

/** The first that the browser can record; the others play both. */
const TYPES = ["audio/ogg;codecs=opus", "audio/webm;codecs=opus", "audio/mp4"];
/** Between two looks at the loudness, in milliseconds. */
const LOOK_MS = 100;
/** Loudnesses of a message, and the highest. Source: MSC1767. */
const MOST_SAMPLES = 100;
const LOUDEST = 1_024;

export function VoiceRecorder({ onDone, onTrouble }: VoiceRecorderProps) {
  const length = useSignal(0);
  const recording = useRef<Recording | undefined>(undefined);
  useEffect(() => {
    let isOver = false;
    record((ms) => (length.value = ms)).then(
      (started) => {
        if (isOver) void started.stop();
        else recording.current = started;
      },
      (error: unknown) => {
        console.info("no recording", error);
        onTrouble();
      },
    );
    return () => {
      isOver = true;
      void recording.current?.stop();
    };
  }, []);
  const finish = async () => {
    const { current } = recording;
    recording.current = undefined;
    if (current === undefined) return onDone(undefined, 0, []);
    const { blob, ms, loudness } = await current.stop();
    const extension = blob.type.includes("ogg") ? "ogg" : blob.type.includes("webm") ? "webm" : "m4a";
    onDone(new File([blob], `${t("voiceMessage")}.${extension}`, { type: blob.type }), ms, loudness);
  };
  return (
    <div class="composer recording">
      <IconButton icon="trash" label={t("discardRecording")} onClick={() => onDone(undefined, 0, [])} />
      <span role="timer">{t("recording", { time: duration(length.value) })}</span>
      <IconButton icon="send" label={t("stopRecording")} class="primary" onClick={() => void finish()} />
    </div>
  );
}

interface Recorded {
  readonly blob: Blob;
  readonly ms: number;
  readonly loudness: readonly number[];
}

interface Recording {
  /** Gives the microphone back. */
  stop(): Promise<Recorded>;
}

/** @throws DOMException when there is no microphone, or it may not be used */
async function record(onLength: (ms: number) => void): Promise<Recording> {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
  const recorder = new MediaRecorder(stream, mimeType === undefined ? {} : { mimeType });
  const parts: Blob[] = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(stream).connect(analyser);
  const wave = new Uint8Array(analyser.fftSize);
  const loudness: number[] = [];
  const startedAt = performance.now();
  const look = setInterval(() => {
    analyser.getByteTimeDomainData(wave);
    loudness.push(wave.reduce((loudest, sample) => Math.max(loudest, Math.abs(sample - 128)), 0) / 128);
    onLength(performance.now() - startedAt);
  }, LOOK_MS);
  recorder.start();
  return {
    stop: () =>
      new Promise((resolve) => {
        recorder.onstop = () => {
          clearInterval(look);
          void context.close();
          for (const track of stream.getTracks()) track.stop();
          const type = (recorder.mimeType.split(";")[0] ?? "") || "audio/webm";
          resolve({
            blob: new Blob(parts, { type }),
            ms: Math.round(performance.now() - startedAt),
            loudness: thinned(loudness),
          });
        };
        recorder.stop();
      }),
  };
}

function thinned(loudness: readonly number[]): number[] {
  const step = Math.max(1, loudness.length / MOST_SAMPLES);
  return Array.from({ length: Math.min(MOST_SAMPLES, loudness.length) }, (_, index) =>
    Math.round((loudness[Math.floor(index * step)] ?? 0) * LOUDEST),
  );
}
