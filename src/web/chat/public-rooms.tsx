import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { JoinRule, type IPublicRoomsChunkRoom } from "matrix-js-sdk";
import { go } from "../route.js";
import { Avatar } from "../ui/avatar.jsx";
import { attempt, tell } from "../ui/toasts.jsx";
import { many, t } from "../words/words.js";
import { useChat } from "./context.js";

/** Rooms that are shown at most; a search finds the others. */
const MOST = 50;

/** What everybody on this server may join. */
export function PublicRooms() {
  const { client } = useChat();
  const rooms = useSignal<readonly IPublicRoomsChunkRoom[]>([]);
  const wanted = useSignal("");
  useEffect(() => {
    let isWanted = true;
    attempt(
      client
        .publicRooms({ limit: MOST, filter: { generic_search_term: wanted.value.trim() } })
        .then(({ chunk }) => {
          if (isWanted) rooms.value = chunk;
        }),
    );
    return () => {
      isWanted = false;
    };
  }, [wanted.value]);
  const enter = async ({ room_id, join_rule }: IPublicRoomsChunkRoom) => {
    if (join_rule === JoinRule.Knock) {
      await client.knockRoom(room_id);
      tell(t("asked"));
    } else {
      await client.joinRoom(room_id);
      go("room", room_id);
    }
  };
  return (
    <section>
      <h2>{t("publicRooms")}</h2>
      <input
        type="search"
        aria-label={t("findRoom")}
        placeholder={t("findRoom")}
        onChange={(event) => (wanted.value = event.currentTarget.value)}
      />
      {rooms.value.length === 0 && <p class="quiet">{t("noPublicRooms")}</p>}
      <ul class="people">
        {rooms.value.map((room) => {
          const name = room.name ?? room.canonical_alias ?? room.room_id;
          return (
            <li key={room.room_id}>
              <button type="button" onClick={() => attempt(enter(room))}>
                <Avatar name={name} id={room.room_id} mxc={room.avatar_url} size={36} />
                <span dir="auto">{name}</span>
                <small dir="auto">
                  {room.join_rule === JoinRule.Knock && `${t("askToJoin")} · `}
                  {room.topic ?? many(room.num_joined_members, "membersOne", "membersMany")}
                </small>
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
