import type { JSX } from "preact";
import { Dialog } from "../ui/dialog.jsx";
import { t } from "../words/words.js";

/** What to type for what is to be seen. */
export function FormattingHelp({ onClose }: { readonly onClose: () => void }) {
  const examples: readonly (readonly [typed: string, seen: JSX.Element])[] = [
    [`**${t("bold")}**`, <strong>{t("bold")}</strong>],
    [`*${t("italic")}*`, <em>{t("italic")}</em>],
    [`~~${t("struck")}~~`, <del>{t("struck")}</del>],
    [`\`${t("code")}\``, <code>{t("code")}</code>],
    [`\`\`\`\n${t("code")}\n\`\`\``, <pre>{t("code")}</pre>],
    [`> ${t("quote")}`, <blockquote>{t("quote")}</blockquote>],
    [
      `- ${t("item")}\n- ${t("item")}`,
      <ul>
        <li>{t("item")}</li>
        <li>{t("item")}</li>
      </ul>,
    ],
    [
      `1. ${t("item")}\n2. ${t("item")}`,
      <ol>
        <li>{t("item")}</li>
        <li>{t("item")}</li>
      </ol>,
    ],
    [
      `[${t("link")}](https://example.org)`,
      <a href="https://example.org" target="_blank" rel="noopener noreferrer">
        {t("link")}
      </a>,
    ],
    ["\\*", <>*</>],
  ];
  return (
    <Dialog title={t("formatting")} onClose={onClose}>
      <p>{t("formattingText")}</p>
      <table class="examples">
        <thead>
          <tr>
            <th scope="col">{t("typed")}</th>
            <th scope="col">{t("seen")}</th>
          </tr>
        </thead>
        <tbody>
          {examples.map(([typed, seen]) => (
            <tr key={typed}>
              <td>
                <code>{typed}</code>
              </td>
              <td class="formatted">{seen}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Dialog>
  );
}
