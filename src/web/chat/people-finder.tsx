import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Avatar } from "../ui/avatar.jsx";
import { attempt } from "../ui/toasts.jsx";
import { t } from "../words/words.js";
import { useChat } from "./context.js";

interface Person {
  readonly user_id: string;
  readonly display_name?: string;
  readonly avatar_url?: string;
}

export interface PeopleFinderProps {
  /** What the field is for. */
  readonly label: string;
  /** Whether somebody that the directory knows is to be offered; oneself never is. */
  readonly isOffered?: (userId: string) => boolean;
  readonly onChoose: (userId: string) => void;
}

/** After the last key before the directory is asked, in milliseconds. */
const PAUSE_MS = 250;
const MOST_FOUND = 20;

/** Somebody by their name or id, as the directory knows people. */
export function PeopleFinder({ label, isOffered = () => true, onChoose }: PeopleFinderProps) {
  const { client, userId } = useChat();
  const wanted = useSignal("");
  const found = useSignal<readonly Person[]>([]);
  useEffect(() => {
    const term = wanted.value.trim();
    found.value = [];
    if (term === "") return undefined;
    let isWanted = true;
    const look = async () => {
      const { results } = await client.searchUserDirectory({ term, limit: MOST_FOUND });
      if (isWanted) found.value = results;
    };
    const timer = setTimeout(() => attempt(look()), PAUSE_MS);
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [wanted.value]);
  const offered = found.value.filter(({ user_id }) => user_id !== userId && isOffered(user_id));
  return (
    <>
      <input
        type="search"
        aria-label={label}
        placeholder={t("findPerson")}
        value={wanted.value}
        onInput={(event) => (wanted.value = event.currentTarget.value)}
      />
      <ul class="people">
        {offered.map(({ user_id, display_name, avatar_url }) => (
          <li key={user_id}>
            <button
              type="button"
              onClick={() => {
                wanted.value = "";
                onChoose(user_id);
              }}
            >
              <Avatar name={display_name ?? user_id} id={user_id} mxc={avatar_url} size={36} />
              <span dir="auto">{display_name ?? user_id}</span>
              <small>{user_id}</small>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
