import type { JSX } from "preact";
import { t } from "../words/words.js";
import { NewRoom } from "./new-room.jsx";
import { SearchPage } from "./search.jsx";
import { Settings } from "./settings.jsx";

/** What is shown beside the list of rooms and is no room, by its address. */
const PAGES: Readonly<Record<string, () => JSX.Element>> = {
  new: NewRoom,
  search: SearchPage,
  settings: Settings,
};

export function pageFor(name: string): JSX.Element {
  const Page = PAGES[name];
  return Page === undefined ? <main class="view empty">{t("chooseRoom")}</main> : <Page />;
}
