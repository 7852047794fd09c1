import { useEffect, useRef } from "preact/hooks";
import { t } from "../words/words.js";
import { Dialog } from "./dialog.jsx";

/** What most messages are answered with; every other one comes from the keyboard. */
const EMOJI = (
  "👍 👎 ❤️ 😂 😊 😍 😘 😉 😎 🤔 😐 🙄 😢 😭 😡 😱 🥳 🤗 😴 🤒 🙏 👏 🙌 💪 👋 ✌️ 🤝 👀 🎉 🎂 " +
  "🌹 🔥 ⭐ ☀️ 🌧️ ⛄ 🍀 🐶 🐱 🐼 🍎 🍜 🍕 ☕ 🍺 🚗 🚲 ✈️ 🏠 🏫 📚 ✏️ 💻 📱 📷 🎵 ⚽ 🎮 💡 ⏰ " +
  "✅ ❌ ❓ ❗ 💯 ➕ 1️⃣ 2️⃣ 3️⃣ 4️⃣ 5️⃣ 🆗"
).split(" ");

export const QUICK_REACTIONS: readonly string[] = EMOJI.slice(0, 4);

export interface EmojiDialogProps {
  readonly onChoose: (emoji: string) => void;
  readonly onClose: () => void;
}

export function EmojiDialog({ onChoose, onClose }: EmojiDialogProps) {
  const first = useRef<HTMLButtonElement>(null);
  useEffect(() => first.current?.focus(), []);
  return (
    <Dialog title={t("emoji")} onClose={onClose} class="emoji-dialog">
      <div class="emoji-grid">
        {EMOJI.map((emoji, index) => (
          <button
            key={emoji}
            {...(index === 0 && { ref: first })}
            type="button"
            aria-label={emoji}
            onClick={() => {
              onClose();
              onChoose(emoji);
            }}
          >
            {emoji}
          </button>
        ))}
      </div>
    </Dialog>
  );
}
