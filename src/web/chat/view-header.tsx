import { Icon } from "../ui/icons.jsx";
import { t } from "../words/words.js";

export interface HeaderProps {
  readonly title: string;
  /** Where back leads, within the page. */
  readonly back?: string;
}

export function Header({ title, back = "#/" }: HeaderProps) {
  return (
    <header class="room-header">
      <a class="icon-button" href={back} aria-label={t("back")}>
        <Icon name="back" />
      </a>
      <div class="title">
        <h1 dir="auto">{title}</h1>
      </div>
    </header>
  );
}
